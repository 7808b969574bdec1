"""The shipped model and weights, real images, and Keras's network for comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from job.features.backbones import Backbone, backbone
from job.features.keras_models import build, import_keras, load_weights
from job.features.models import Model, resolve_model
from job.features.network import Network, NetworkSpec, network
from job.resources import weights_folder
from tests.support.networks import shipped_spec

SAMPLE = Path(__file__).parents[3] / "examples" / "images"


@pytest.fixture(scope="session")
def mobilenet() -> Backbone:
    return backbone("mobilenet_v2")


@pytest.fixture(scope="session")
def shipped(mobilenet: Backbone) -> Model:
    return resolve_model(mobilenet)


@pytest.fixture(scope="session")
def weights() -> Path:
    """The Keras file that the shipped model was made from."""
    return weights_folder() / "mobilenet_v2.weights.h5"


@pytest.fixture(scope="session")
def images() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Two real images of each of the twelve varieties, uint8 (24, 224, 224, 3)."""
    files = [file for folder in sorted(SAMPLE.iterdir()) for file in sorted(folder.iterdir())[:2]]
    return np.stack([np.asarray(Image.open(f).convert("RGB").resize((224, 224), 3)) for f in files])


@pytest.fixture(scope="session")
def spec() -> NetworkSpec:
    return shipped_spec(batch_size=32)


@pytest.fixture(scope="session")
def built(spec: NetworkSpec) -> Network:
    return network(spec)


@pytest.fixture(scope="session")
def without_top(mobilenet: Backbone, weights: Path) -> Any:
    """The shipped network in Keras."""
    model = build(mobilenet)
    load_weights(model, mobilenet, weights)
    return model


@pytest.fixture(scope="session")
def with_top(without_top: Any) -> Any:
    """keras.applications.MobileNetV2 with the shipped tensors under a random top."""
    model = import_keras().applications.MobileNetV2(weights=None)
    for layer in without_top.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    return model
