"""Decodes bytes to an RGB array of the network's input size, or gives the reason why not."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from job.images.resize import RGB, resize
from job.images.variants import find_misread_variant, find_unsupported_variant

# Part of the fingerprint: increase it when the same bytes would give another array.
DECODE_RULES_VERSION = 2

NOT_AN_IMAGE = "not_an_image"
UNSUPPORTED = "unsupported"
TRUNCATED = "truncated"
TOO_MANY_PIXELS = "too_many_pixels"

# A closed list, because Pillow would pass an EPS file to Ghostscript.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP")

# `max_pixels` is checked before any pixel is decoded; Pillow's limit would only warn.
Image.MAX_IMAGE_PIXELS = None

# The exceptions that Pillow was seen to raise on damaged files; they have no common base.
DECODE_ERRORS = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class DecodeRules:
    """The size of the result in pixels, and how to decode.

    An original of more than `max_pixels` pixels is refused before it is decoded.
    """

    height: int
    width: int
    exif_rotate: bool = False
    max_pixels: int = 50_000_000


class BadImageError(Exception):
    """The bytes are not a usable image; `reason` is a quarantine reason."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def decode(data: bytes, rules: DecodeRules) -> RGB:
    """The first frame of `data` as uint8 (height, width, 3); the content decides the format.

    Decodes like `keras.utils.load_img(..., target_size, interpolation="bicubic")`: plain
    `convert("RGB")`, which drops alpha, then a bicubic resize that differs from Pillow's by at
    most 2 of 255. Another difference: 16-bit grey is scaled to 8 bits, where Pillow clips it to
    white. Raises BadImageError only.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            _require_correct_pixels(image)
            _require_max_pixels(image, rules.max_pixels)
            return _resize_to_input(image, rules)
    except DECODE_ERRORS as error:
        raise _bad_image_error(data, error) from error


def thumbnail(rgb: RGB, side: int = 96) -> bytes:
    """A JPEG of at most `side` pixels in each direction, about 2 kB, for the report."""
    image = Image.fromarray(rgb)
    image.thumbnail((side, side))
    out = BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def _require_correct_pixels(image: Image.Image) -> None:
    variant = find_misread_variant(image)
    if variant is not None:
        raise _unsupported_error(image.format, variant)


def _require_max_pixels(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise BadImageError(
            TOO_MANY_PIXELS, f"{image.width} x {image.height} pixels, at most {max_pixels:,}"
        )


def _resize_to_input(image: Image.Image, rules: DecodeRules) -> RGB:
    upright = ImageOps.exif_transpose(image) if rules.exif_rotate else image
    return resize(as_rgb(upright), rules.width, rules.height)


def as_rgb(image: Image.Image) -> Image.Image:
    """The image in mode RGB; 16-bit grey is scaled to 8 bits."""
    if image.mode.startswith("I;16"):
        samples: npt.NDArray[Any] = np.asarray(image).astype(np.uint32)
        # 65535 / 255 = 257; adding half of it rounds to the nearest.
        image = Image.fromarray(((samples + 128) // 257).astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")


def _unsupported_error(file_format: str | None, variant: str) -> BadImageError:
    detail = f"{file_format} variant that is not decoded: {variant[:200]}"
    return BadImageError(UNSUPPORTED, detail)


def _bad_image_error(data: bytes, error: Exception) -> BadImageError:
    """`unsupported` or `truncated` if the bytes begin like an image, else `not_an_image`."""
    if not data:
        return BadImageError(NOT_AN_IMAGE, "0 bytes")
    file_format = _sniff_format(data)
    if file_format is None:
        return BadImageError(NOT_AN_IMAGE, f"begins as none of {', '.join(FORMATS)}")
    variant = _unsupported_variant(data, file_format, error)
    if variant is not None:
        return _unsupported_error(file_format, variant)
    # Pillow's text for an unknown file contains a memory address.
    text = "no whole header" if isinstance(error, UnidentifiedImageError) else str(error)
    return BadImageError(TRUNCATED, f"begins as {file_format}, cannot be decoded: {text[:200]}")


def _unsupported_variant(data: bytes, file_format: str, error: Exception) -> str | None:
    try:
        return find_unsupported_variant(data, file_format, error)
    except DECODE_ERRORS:
        return None


def _sniff_format(data: bytes) -> str | None:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n"):
        return "PNG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    # Many texts begin with these two letters; the four bytes are reserved and zero in each bitmap.
    if data[:2] == b"BM" and data[6:10] == b"\0\0\0\0":
        return "BMP"
    return None
