"""The resize equals Pillow's bicubic resize, on real images and on sizes where it could differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cykooz_resizer import CpuExtensions, Resizer
from PIL import Image

from job.images import resize as module
from job.images.resize import resize

SAMPLE = Path(__file__).parents[3] / "examples" / "images"
# Larger and smaller in one direction or both; Pillow resizes LARGE.
SIZES = [(100, 100), (640, 480), (1000, 37), (3, 5), (1, 1), (224, 100), (100, 224), (224, 224)]
LARGE = [(1500, 1000), (1, 5000)]


def test_real_images_equal_pillows() -> None:
    files = [file for folder in sorted(SAMPLE.iterdir()) for file in sorted(folder.iterdir())[:2]]
    images = [Image.open(file).convert("RGB") for file in files]
    resized = np.stack([resize(image, 224, 224) for image in images])

    differences = np.abs(resized.astype(int) - np.stack([_by_pillow(image) for image in images]))

    assert resized.shape == (24, 224, 224, 3)
    assert resized.dtype == np.uint8
    assert differences.max() <= 2
    assert (differences > 0).mean() < 0.01


@pytest.mark.parametrize("size", SIZES + LARGE)
def test_noise_of_any_size_equals_pillows(size: tuple[int, int]) -> None:
    image = _noise(size)

    differences = np.abs(resize(image, 224, 224).astype(int) - _by_pillow(image))

    assert differences.max() <= (2 if size in SIZES else 0)
    assert (differences > 0).mean() < 0.01


def test_width_and_height_may_differ() -> None:
    image = _noise((50, 40))

    differences = np.abs(resize(image, 90, 70).astype(int) - _by_pillow(image, (90, 70)))

    assert differences.max() <= 2


def _resizer(extensions: CpuExtensions) -> Resizer:
    resizer = Resizer()
    resizer.cpu_extensions = extensions
    return resizer


def _is_supported(extensions: CpuExtensions) -> bool:
    return _resizer(extensions).cpu_extensions == extensions


@pytest.mark.parametrize(
    "extensions", list(filter(_is_supported, CpuExtensions)), ids=lambda extensions: extensions.name
)
def test_the_result_is_the_same_on_any_cpu(
    extensions: CpuExtensions, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = _noise((100, 80))
    expected = resize(image, 224, 224)

    monkeypatch.setattr(module, "Resizer", lambda: _resizer(extensions))

    assert (resize(image, 224, 224) == expected).all()


def _by_pillow(image: Image.Image, size: tuple[int, int] = (224, 224)) -> np.ndarray:
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def _noise(size: tuple[int, int]) -> Image.Image:
    width, height = size
    generator = np.random.default_rng(0)
    return Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8))
