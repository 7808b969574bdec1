"""Fixtures of the integration tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from job.cli import main

Floats = np.ndarray[tuple[int], np.dtype[np.float32]]


@dataclass(frozen=True)
class Fruits:
    """A folder of images, and an output with what was made of them."""

    images: Path
    output: Path


@pytest.fixture(scope="session")
def keras_features() -> Callable[[bytes], Floats]:
    """What Keras itself makes of an image that the job has resized: bytes -> features (1280,)."""
    import keras

    from job.images.decode import DecodeRules, decode
    from job.resources import weights_folder

    model = keras.applications.MobileNetV2(include_top=False, pooling="avg", weights=None)
    model.load_weights(next(weights_folder().glob("mobilenet_v2*.h5")))

    def features(data: bytes) -> Floats:
        image = decode(data, DecodeRules(height=224, width=224))
        batch = keras.applications.mobilenet_v2.preprocess_input(image.astype(np.float32)[None])
        return np.asarray(model(batch, training=False))[0]

    return features


@pytest.fixture(scope="session")
def fruits(
    spark: SparkSession, sample_images: Path, tmp_path_factory: pytest.TempPathFactory
) -> Fruits:
    """Features and projection of four varieties, ten images each: to be read, not changed."""
    folder = tmp_path_factory.mktemp("fruits")
    for variety in sorted(sample_images.iterdir())[:12:3]:
        (folder / "images" / variety.name).mkdir(parents=True)
        for image in sorted(variety.iterdir())[:10]:
            shutil.copyfile(image, folder / "images" / variety.name / image.name)
    made = Fruits(folder / "images", folder / "output")
    assert main(["featurize", "--input", str(made.images), "--output", str(made.output)]) == 0
    assert main(["fit", "--output", str(made.output)]) == 0
    return made
