"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Floats = np.ndarray[tuple[int], np.dtype[np.float32]]


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
