"""The thumbnail of the readable part of a truncated image."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFile

from job.images.decode import BadImageError, DecodeRules, decode
from job.images.partial_decode import MAX_BYTES, MAX_PIXELS, partial_thumbnail


def _encoded(image: Image.Image, file_format: str) -> bytes:
    out = io.BytesIO()
    image.save(out, file_format)
    return out.getvalue()


def _noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def _opened(data: bytes | None) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    assert data is not None
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        return np.asarray(image)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_the_readable_part_is_shown(file_format: str) -> None:
    whole = _encoded(_noise(200, 200), file_format)
    half = whole[: len(whole) // 2]
    with pytest.raises(BadImageError):
        decode(half, DecodeRules(96, 96))
    thumbnail = _opened(partial_thumbnail(half))
    assert thumbnail.shape == (96, 96, 3)
    assert thumbnail[:40].std() > 5
    assert thumbnail[-20:].std() < 2


def test_pillow_is_strict_again_afterwards() -> None:
    whole = _encoded(_noise(64, 64), "JPEG")
    partial_thumbnail(whole[: len(whole) // 2])
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize(
    "data", [b"", b"a README", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n" + b"x" * 50]
)
def test_bytes_without_pixels_give_no_thumbnail(data: bytes) -> None:
    assert partial_thumbnail(data) is None


def test_a_header_alone_gives_no_thumbnail() -> None:
    whole = _encoded(_noise(200, 200), "PNG")
    assert partial_thumbnail(whole[:45]) is None


def test_an_image_with_too_many_pixels_is_not_decoded() -> None:
    side = int(MAX_PIXELS**0.5) + 1
    bitmap = _encoded(Image.new("1", (side, side)), "PNG")
    assert len(bitmap) < MAX_BYTES
    assert partial_thumbnail(bitmap) is None


def test_a_large_jpeg_is_decoded_at_a_reduced_size() -> None:
    """An eighth of 8,000 x 4,000 is within the limit, and the first bytes are enough."""
    image = Image.new("RGB", (8000, 4000), "white")
    image.paste(_noise(4000, 4000), (0, 0))
    data = _encoded(image, "JPEG")
    assert len(data) > MAX_BYTES
    assert _opened(partial_thumbnail(data)).shape == (48, 96, 3)
