"""Decoding equals Keras's loader on real images, up to rounding in the resize."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from job.images.decode import DecodeRules, decode

SIDE = 224


def test_decoded_images_equal_keras_images(sample_images: Path) -> None:
    # Imported here, because it imports TensorFlow for seconds.
    from keras.utils import load_img

    for path in sorted(sample_images.rglob("*.jpg"))[::20]:
        expected = load_img(path, target_size=(SIDE, SIDE), interpolation="bicubic")
        rgb = decode(path.read_bytes(), DecodeRules(height=SIDE, width=SIDE))
        assert rgb.dtype == np.uint8
        differences = np.abs(rgb.astype(int) - np.asarray(expected))
        assert differences.max() <= 2
        assert (differences > 0).mean() < 0.01
