"""Variants of known formats that are not decoded: Pillow refuses them, or reads wrong pixels."""

from __future__ import annotations

import re
import warnings
from io import BytesIO

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    COLORMAP,
    COMPRESSION,
    FILLORDER,
    IMAGELENGTH,
    IMAGEWIDTH,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    SAMPLEFORMAT,
    STRIPBYTECOUNTS,
    STRIPOFFSETS,
    TILEBYTECOUNTS,
    TILEOFFSETS,
    ImageFileDirectory_v2,
    TiffImageFile,
)
from PIL.TiffTags import lookup

# From every other mode, such as I and F, convert("RGB") clips to black and white, or fails.
_RIGHT_MODES = frozenset(
    [
        *("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB"),
        *("I;16", "I;16B", "I;16L", "I;16N"),
    ]
)
_SAMPLES = {"I": "samples that are signed or have 32 bits", "F": "floating-point samples"}

_RAW, _IN_PLANES, _REVERSED = 1, 2, 2
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _LAB = 0, 1, 8
_SIGNED = 2

_SIZE = {IMAGEWIDTH, IMAGELENGTH}
_PLACES = {STRIPOFFSETS, TILEOFFSETS}
# What tells the variants of TIFF apart.
_TELLING_TAGS = (
    *(BITSPERSAMPLE, COMPRESSION, PHOTOMETRIC_INTERPRETATION, FILLORDER, PLANAR_CONFIGURATION),
    SAMPLEFORMAT,
)
# What Pillow says of a variant that it knows and cannot decode.
_REFUSAL = re.compile(
    # A JPEG of any other depth is a damaged one.
    r"^cannot handle 1[26]-bit|^Unsupported BMP|^unknown raw mode"
)


def misread(image: Image.Image) -> str | None:
    """What makes Pillow read an opened image to other pixels than its own; None for nothing."""
    if image.mode not in _RIGHT_MODES:
        return _SAMPLES.get(image.mode, f"pixels of mode {image.mode}")
    return _misread_tiff(image) if isinstance(image, TiffImageFile) else None


def refused(data: bytes, file_format: str, error: Exception) -> str | None:
    """What makes `data` a variant that Pillow cannot decode; `error` is what decoding raised.

    None where the error has another reason, and where the header itself is not whole. A damaged
    header may raise what decoding raises.
    """
    unidentified = isinstance(error, UnidentifiedImageError)
    if unidentified and file_format == "JPEG":
        error = _jpeg_error(data) or error
    known = _REFUSAL.search(str(error))
    if file_format == "TIFF":
        return _tiff_variant(data) if known or unidentified else None
    return str(error) if known else None


def _jpeg_error(data: bytes) -> Exception | None:
    """What Image.open does not tell: why its plugin knows no such image."""
    try:
        JpegImageFile(BytesIO(data)).close()
    except (SyntaxError, OSError) as error:
        return error
    return None


def _misread_tiff(image: TiffImageFile) -> str | None:
    tags = image.tag_v2
    bits, colours = tags.get(BITSPERSAMPLE, (1,))[0], tags.get(PHOTOMETRIC_INTERPRETATION, 0)
    raw = tags.get(COMPRESSION, _RAW) == _RAW
    if bits == 12:
        return "12-bit samples"
    if bits == 16 and colours == _WHITE_IS_ZERO:
        return "16-bit samples of which 0 is white"
    if _SIGNED in tags.get(SAMPLEFORMAT, ()):
        return "signed samples"
    if tags.get(PLANAR_CONFIGURATION) == _IN_PLANES and (
        colours == _LAB or (raw and not _is_plain(bits, colours, tags.get(FILLORDER, 1)))
    ):
        return f"planes of {bits}-bit samples"
    if raw and image.mode == "YCbCr" and _is_subsampled(image):
        return "subsampled colours without compression"
    if image.mode in ("P", "PA") and 0 < max(tags[COLORMAP]) < 256:
        return "a palette of 8-bit colours"
    return None


def _is_plain(bits: int, colours: int, fill_order: int) -> bool:
    """Whether the samples of an uncompressed plane are pixels as they are.

    Pillow reads each plane by the first letter of a mode such as `L;I` or `RGB;16L`.
    """
    as_they_are = bits == 8 and colours not in (_WHITE_IS_ZERO, _LAB)
    return fill_order != _REVERSED and (as_they_are or (bits == 1 and colours == _BLACK_IS_ZERO))


def _is_subsampled(image: TiffImageFile) -> bool:
    """Whether it has fewer bytes than three a pixel; Pillow takes three."""
    counts = image.tag_v2.get(STRIPBYTECOUNTS) or image.tag_v2.get(TILEBYTECOUNTS)
    return counts is not None and sum(counts) < 3 * image.width * image.height


def _tiff_variant(data: bytes) -> str | None:
    """The tags that tell which variant a TIFF is; None where its directory is not whole."""
    if data.startswith(b"MM\0+"):
        return "big-endian BigTIFF"
    with warnings.catch_warnings(record=True) as missing:
        # Pillow warns of tags beyond the end of the file, and goes on without them.
        warnings.simplefilter("always")
        tags = _directory(data)
        whole = not missing and set(tags) >= _SIZE and set(tags) & _PLACES
        texts = [f"{lookup(tag).name} {tags[tag]}" for tag in _TELLING_TAGS if tag in tags]
    return ", ".join(texts) if whole else None


def _directory(data: bytes) -> ImageFileDirectory_v2:
    file = BytesIO(data)
    directory = ImageFileDirectory_v2(file.read(16 if data[2:3] == b"+" else 8))
    file.seek(directory.next)
    directory.load(file)
    return directory
