"""Decoding is that of Keras's own loader on real images, but for what rounding does in a resize."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from job.images.decode import DecodeRules, decode

SIDE = 224


def test_images_are_as_keras_loads_them(sample_images: Path) -> None:
    # Imported here: it brings TensorFlow, which takes seconds.
    from keras.utils import load_img

    for path in sorted(sample_images.rglob("*.jpg"))[::20]:
        expected = load_img(path, target_size=(SIDE, SIDE), interpolation="bicubic")
        rgb = decode(path.read_bytes(), DecodeRules(height=SIDE, width=SIDE))
        assert rgb.dtype == np.uint8
        differences = np.abs(rgb.astype(int) - np.asarray(expected))
        assert differences.max() <= 2
        assert (differences > 0).mean() < 0.01
