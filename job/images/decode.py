"""Bytes to an RGB array of the network's input size, or the reason why not."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from job.images.resize import RGB, bicubic
from job.images.variants import misread, refused

# Part of the fingerprint: raise it when the same bytes would give another array.
DECODE_RULES_VERSION = 2

NOT_AN_IMAGE = "not_an_image"
UNSUPPORTED = "unsupported"
TRUNCATED = "truncated"
TOO_MANY_PIXELS = "too_many_pixels"

# A closed list: Pillow would also hand an EPS file to Ghostscript.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP")

# Our own limit is checked before any pixel is decoded; Pillow's would only warn about it.
Image.MAX_IMAGE_PIXELS = None

# All that Pillow was seen to raise on damaged files; it has no common base.
DECODING_FAILED = (
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
    """The size of the result in pixels, and what is done to images on the way.

    An original of more than `max_pixels` pixels is refused before it is decoded.
    """

    height: int
    width: int
    exif_rotate: bool = False
    max_pixels: int = 50_000_000


class BadImageError(Exception):
    """These bytes are no image that can be used; `reason` is one of the quarantine's words."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def decode(data: bytes, rules: DecodeRules) -> RGB:
    """The first frame of `data` as uint8 (height, width, 3), by content and not by name.

    As `keras.utils.load_img(..., target_size, interpolation="bicubic")` does it: plain
    `convert("RGB")`, which drops alpha, then a bicubic resize that differs from Pillow's by at
    most 2 of 255. Another difference: 16-bit grey is scaled to 8 bits, where Pillow would clip it
    to white. Raises BadImageError, nothing else.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            _require_right_pixels(image)
            _require_few_pixels(image, rules.max_pixels)
            return _resized(image, rules)
    except DECODING_FAILED as error:
        raise _why(data, error) from error


def thumbnail(rgb: RGB, side: int = 96) -> bytes:
    """A JPEG of at most `side` pixels each way, about 2 kB, for the report."""
    image = Image.fromarray(rgb)
    image.thumbnail((side, side))
    out = BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def _require_right_pixels(image: Image.Image) -> None:
    variant = misread(image)
    if variant is not None:
        raise _unsupported(image.format, variant)


def _require_few_pixels(image: Image.Image, most: int) -> None:
    if image.width * image.height > most:
        raise BadImageError(
            TOO_MANY_PIXELS, f"{image.width} x {image.height} pixels, at most {most:,}"
        )


def _resized(image: Image.Image, rules: DecodeRules) -> RGB:
    upright = ImageOps.exif_transpose(image) if rules.exif_rotate else image
    return bicubic(as_rgb(upright), rules.width, rules.height)


def as_rgb(image: Image.Image) -> Image.Image:
    """The picture in mode RGB, 16-bit grey scaled to 8 bits."""
    if image.mode.startswith("I;16"):
        deep: npt.NDArray[Any] = np.asarray(image).astype(np.uint32)
        # 65535 / 255 = 257; half of it rounds to the nearest.
        image = Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")


def _unsupported(file_format: str | None, variant: str) -> BadImageError:
    detail = f"{file_format} variant that is not decoded: {variant[:200]}"
    return BadImageError(UNSUPPORTED, detail)


def _why(data: bytes, error: Exception) -> BadImageError:
    """`unsupported` or `truncated` where the bytes begin as an image does, else `not_an_image`."""
    if not data:
        return BadImageError(NOT_AN_IMAGE, "0 bytes")
    begins_as = _begins_as(data)
    if begins_as is None:
        return BadImageError(NOT_AN_IMAGE, f"begins as none of {', '.join(FORMATS)}")
    variant = _refused(data, begins_as, error)
    if variant is not None:
        return _unsupported(begins_as, variant)
    # Pillow's text for an unknown file holds an address in memory.
    text = "no whole header" if isinstance(error, UnidentifiedImageError) else str(error)
    return BadImageError(TRUNCATED, f"begins as {begins_as}, cannot be decoded: {text[:200]}")


def _refused(data: bytes, file_format: str, error: Exception) -> str | None:
    try:
        return refused(data, file_format, error)
    except DECODING_FAILED:
        return None


def _begins_as(data: bytes) -> str | None:
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
    # Two letters alone begin many texts; these four bytes are reserved, and zero in each bitmap.
    if data[:2] == b"BM" and data[6:10] == b"\0\0\0\0":
        return "BMP"
    return None
