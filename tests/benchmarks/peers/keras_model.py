"""MobileNetV2 as all peers run it: Keras, with our weights, images resized by Pillow.

Imports nothing of the job: peers run in an environment of their own.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]

WEIGHTS = Path(__file__).parents[3] / "docker" / "weights" / "mobilenet_v2.weights.h5"
SIZE = (224, 224)


def build(threads: int | None = None) -> Any:
    """The Keras model to the pooled features; `threads` None leaves TensorFlow all cores."""
    import tensorflow as tf

    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    model = untrained()
    model.load_weights(WEIGHTS)
    return model


def untrained() -> Any:
    """The same network without our weights."""
    import keras

    return keras.applications.MobileNetV2(
        include_top=False, weights=None, pooling="avg", input_shape=(*SIZE, 3)
    )


def features(model: Any, images: Pixels) -> Floats:
    """Features float32 (n, 1280) of images uint8 (n, 224, 224, 3), by the faster of Keras's calls.

    `predict` makes a data set of each call's images first; this takes them as one batch.
    """
    return model.predict_on_batch(scaled(images))


def scaled(images: Pixels) -> Floats:
    """What the network takes, from -1 to 1, by Keras's own function."""
    import keras

    return keras.applications.mobilenet_v2.preprocess_input(images.astype(np.float32))


def decoded(content: bytes) -> Pixels:
    """An encoded image as uint8 (224, 224, 3)."""
    with Image.open(io.BytesIO(content)) as image:
        return _resized(image)


def of_pixels(rgb: Pixels) -> Pixels:
    """A decoded image, uint8 (height, width, 3), as uint8 (224, 224, 3)."""
    return _resized(Image.fromarray(rgb))


def _resized(image: Image.Image) -> Pixels:
    # Pillow's default is bicubic.
    return np.asarray(image.convert("RGB").resize(SIZE))
