"""Bytes are decoded to RGB, or refused with a reason."""

from __future__ import annotations

import io
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from job.images.decode import BadImageError, DecodeRules, decode, thumbnail

SAME_SIZE = DecodeRules(height=8, width=12)
REASONS = ("good", "not_an_image", "unsupported", "truncated", "too_many_pixels")
# Pillow may warn about the damage that a test makes.
PILLOW_MAY_WARN = pytest.mark.filterwarnings("ignore::UserWarning:PIL")
FORMATS = ["JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_is_decoded_by_its_content(file_format: str) -> None:
    rgb = decode(_encoded(_gradient(), file_format, **_lossless(file_format)), SAME_SIZE)
    assert rgb.shape == (8, 12, 3)
    # JPEG and the palette of a GIF change colours a little.
    np.testing.assert_allclose(rgb, np.asarray(_gradient()), atol=40)


def test_height_comes_first() -> None:
    rgb = decode(_encoded(_gradient(), "PNG"), DecodeRules(height=3, width=5))
    assert rgb.shape == (3, 5, 3)


def test_grey_becomes_three_equal_channels() -> None:
    grey = Image.new("L", (12, 8), 77)
    assert (decode(_encoded(grey, "PNG"), SAME_SIZE) == 77).all()


def test_a_palette_becomes_its_colours() -> None:
    palette = Image.new("P", (12, 8), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert (decode(_encoded(palette, "PNG"), SAME_SIZE) == [10, 20, 30]).all()


def test_alpha_is_dropped_like_in_keras() -> None:
    clear = Image.new("RGBA", (12, 8), (10, 20, 30, 0))
    assert (decode(_encoded(clear, "PNG"), SAME_SIZE) == [10, 20, 30]).all()
    faint = Image.new("LA", (12, 8), (40, 5))
    assert (decode(_encoded(faint, "PNG"), SAME_SIZE) == 40).all()


def test_cmyk_becomes_rgb() -> None:
    no_ink = Image.new("CMYK", (12, 8), (0, 0, 0, 0))
    assert (decode(_encoded(no_ink, "TIFF"), SAME_SIZE) == 255).all()
    cyan = Image.new("CMYK", (12, 8), (255, 0, 0, 0))
    assert (decode(_encoded(cyan, "TIFF"), SAME_SIZE) == [0, 255, 255]).all()


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("deep", "eight_bits"), [(0, 0), (65535, 255), (32896, 128), (257 * 50, 50)]
)
def test_sixteen_bits_are_scaled_and_not_clipped(
    file_format: str, deep: int, eight_bits: int
) -> None:
    image = Image.fromarray(np.full((8, 12), deep, dtype=np.uint16))
    assert (decode(_encoded(image, file_format), SAME_SIZE) == eight_bits).all()


@pytest.mark.parametrize("file_format", ["GIF", "TIFF", "WEBP", "PNG"])
def test_the_first_of_several_frames_is_decoded(file_format: str) -> None:
    red, blue = Image.new("RGB", (12, 8), (255, 0, 0)), Image.new("RGB", (12, 8), (0, 0, 255))
    data = _encoded(red, file_format, save_all=True, append_images=[blue], **_lossless(file_format))
    assert (decode(data, SAME_SIZE) == [255, 0, 0]).all()


def test_orientation_is_applied_only_on_request() -> None:
    image = Image.new("RGB", (12, 8), (0, 0, 0))
    image.paste((255, 255, 255), (0, 0, 12, 4))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    data = _encoded(image, "PNG", exif=exif)
    assert decode(data, SAME_SIZE)[0].min() == 255
    rotating = DecodeRules(height=8, width=12, exif_rotate=True)
    assert decode(data, rotating)[0].max() == 0


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_an_incomplete_file_is_truncated(file_format: str, quarter: int) -> None:
    rng = np.random.default_rng(1)
    noise = Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = _encoded(noise, file_format)
    assert _reason(data[: len(data) * quarter // 4]) == "truncated"


@PILLOW_MAY_WARN
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_with_an_incomplete_header_is_truncated(file_format: str) -> None:
    assert _reason(_encoded(_gradient(), file_format)[:16]) == "truncated"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"# A README",
        b"BMW, Audi, Volkswagen\n",
        b"path,label\n",
        b"\0" * 100,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"%PDF-1.7",
        b"P6 2 2 255 " + b"\0" * 12,
    ],
)
def test_other_content_is_not_an_image(data: bytes) -> None:
    assert _reason(data) == "not_an_image"


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "GIF", "BMP"])
def test_an_image_of_too_many_pixels_is_refused_by_its_header(file_format: str) -> None:
    data = _encoded(Image.new("L", (101, 100)), file_format)
    with pytest.raises(BadImageError) as raised:
        decode(data, DecodeRules(height=8, width=12, max_pixels=10_000))
    assert raised.value.reason == "too_many_pixels"
    assert raised.value.detail == "101 x 100 pixels, at most 10,000"


def test_a_decompression_bomb_is_refused_before_it_uses_memory() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0"))
    assert _reason(data + _chunk(b"IEND", b"")) == "too_many_pixels"


@PILLOW_MAY_WARN
@pytest.mark.parametrize("file_format", FORMATS)
def test_damage_anywhere_gives_an_array_or_a_reason(file_format: str) -> None:
    data = _encoded(_gradient(), file_format)
    generator = random.Random(7)
    for _ in range(100):
        damaged = bytearray(data)
        for _ in range(generator.randint(1, 8)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        assert _outcome(bytes(damaged)) in REASONS


def test_the_detail_of_the_same_bytes_is_always_the_same() -> None:
    data = _encoded(_gradient(), "JPEG")[:20]
    assert _detail(data) == _detail(bytes(data))
    assert "0x" not in _detail(data)


def test_a_thumbnail_is_a_small_jpeg() -> None:
    data = thumbnail(np.zeros((224, 112, 3), dtype=np.uint8))
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("JPEG", (48, 96))


def _gradient() -> Image.Image:
    ramp = np.linspace(0, 255, 8 * 12 * 3).reshape(8, 12, 3)
    return Image.fromarray(ramp.astype(np.uint8))


def _encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def _lossless(file_format: str) -> dict[str, object]:
    return {"lossless": True} if file_format == "WEBP" else {}


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _reason(data: bytes) -> str:
    return _bad(data).reason


def _detail(data: bytes) -> str:
    return _bad(data).detail


def _bad(data: bytes) -> BadImageError:
    with pytest.raises(BadImageError) as raised:
        decode(data, SAME_SIZE)
    return raised.value


def _outcome(data: bytes) -> str:
    try:
        decode(data, DecodeRules(height=8, width=12, max_pixels=1_000_000))
    except BadImageError as error:
        return error.reason
    return "good"
