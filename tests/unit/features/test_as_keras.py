"""Each backbone computes the features of keras.applications with weights="imagenet".

Both read the same file of random tensors; Keras reads it instead of downloading its own.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from job.features.backbones import BACKBONES, Backbone
from job.features.keras_models import build, load_weights
from job.features.models import resolve_model
from job.features.network import NetworkSpec, network
from tests.unit.features.conftest import SAMPLE
from tests.unit.features.random_weights import randomise, write_keras_2

MODULES = {
    "mobilenet_v2": "mobilenet_v2",
    "vgg16": "vgg16",
    "xception": "xception",
    "efficientnet_b0": "efficientnet",
}

Images = np.ndarray[Any, np.dtype[np.uint8]]

# Keras 3.15 uses the array protocol of numpy 1 when it saves variables.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def images_for(chosen: Backbone) -> Images:
    """Four real images in the input size of the network, and noise."""
    height, width = chosen.input_size
    files = [sorted(folder.iterdir())[0] for folder in sorted(SAMPLE.iterdir())[::3]]
    images = [np.asarray(Image.open(file).convert("RGB").resize((width, height))) for file in files]
    noise = np.random.default_rng(2).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.stack([*images, noise])


@pytest.fixture
def imagenet(monkeypatch: pytest.MonkeyPatch) -> Callable[[Backbone, Path], Any]:
    """Builds the network that Keras builds with its official weights, read from a local file."""

    def build(chosen: Backbone, file: Path) -> Any:
        import keras

        monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(file))
        return getattr(keras.applications, chosen.application)(
            include_top=False,
            weights="imagenet",
            pooling="avg",
            input_shape=(*chosen.input_size, 3),
        )

    return build


def loaded(chosen: Backbone, file: Path) -> Any:
    model = build(chosen)
    load_weights(model, chosen, file)
    return model


def preprocessed(chosen: Backbone, images: Images) -> Any:
    module = import_module(f"keras.applications.{MODULES[chosen.name]}")
    return module.preprocess_input(images.astype(np.float32))


def official_file(chosen: Backbone, images: Images, folder: Path) -> Path:
    model = randomise(build(chosen), preprocessed(chosen, images))
    return write_keras_2(model, folder / "official_notop.h5")


# These create, write and read random weights of a gigabyte.
LARGE = ("vgg16", "xception")


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(backbone, id=name, marks=pytest.mark.slow if name in LARGE else ())
        for name, backbone in BACKBONES.items()
    ],
)
def test_features_are_those_of_keras_from_a_file_with_or_without_top(
    chosen: Backbone, imagenet: Callable[..., Any], tmp_path: Path
) -> None:
    images = images_for(chosen)
    file = official_file(chosen, images, tmp_path)
    with_top = write_keras_2(loaded(chosen, file), tmp_path / "official.h5", top=True)
    expected = imagenet(chosen, file)(preprocessed(chosen, images), training=False).numpy()

    models = [resolve_model(chosen, str(weights)) for weights in (file, with_top)]
    assert models[0].tensors_sha256 == models[1].tensors_sha256
    onnx = tmp_path / "model.onnx"
    onnx.write_bytes(models[1].content)
    features = network(NetworkSpec(str(onnx), models[1].sha256, 1, 2)).features(images)

    assert features.shape == (5, chosen.dimension)
    # MobileNetV2 has features up to 6; larger features have fewer digits after the point.
    tolerance = 1e-4 * max(1, np.abs(expected).max() / 6)
    np.testing.assert_allclose(features, expected, rtol=0, atol=tolerance)
    # Different images must have different features.
    assert np.abs(expected[0] - expected[4]).max() > 1000 * tolerance


def test_a_file_that_keras_3_saved_from_its_own_network_is_loaded(
    imagenet: Callable[..., Any], tmp_path: Path
) -> None:
    """With official weights, EfficientNet has one more layer than without."""
    chosen = BACKBONES["efficientnet_b0"]
    images = images_for(chosen)
    saved = tmp_path / "mine.weights.h5"
    keras_model = imagenet(chosen, official_file(chosen, images, tmp_path))
    keras_model.save_weights(saved)

    features = loaded(chosen, saved)(images, training=False).numpy()

    expected = keras_model(images, training=False).numpy()
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-4)
