"""Finds variants of known formats that Pillow refuses, or decodes to wrong pixels."""

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

# convert("RGB") clips every other mode, such as I and F, to black and white, or fails.
_SAFE_MODES = frozenset(
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
_OFFSETS = {STRIPOFFSETS, TILEOFFSETS}
# The tags that define a variant of TIFF.
_VARIANT_TAGS = (
    *(BITSPERSAMPLE, COMPRESSION, PHOTOMETRIC_INTERPRETATION, FILLORDER, PLANAR_CONFIGURATION),
    SAMPLEFORMAT,
)
# Pillow's messages for variants that it knows and cannot decode.
_UNSUPPORTED = re.compile(
    # A JPEG of any other depth is damaged.
    r"^cannot handle 1[26]-bit|^Unsupported BMP|^unknown raw mode"
)


def find_misread_variant(image: Image.Image) -> str | None:
    """The variant that Pillow decodes to wrong pixels; None if it decodes `image` correctly."""
    if image.mode not in _SAFE_MODES:
        return _SAMPLES.get(image.mode, f"pixels of mode {image.mode}")
    return _find_misread_tiff(image) if isinstance(image, TiffImageFile) else None


def find_unsupported_variant(data: bytes, file_format: str, error: Exception) -> str | None:
    """The variant of `data` that Pillow cannot decode; `error` is the error of decoding.

    None if the error has another reason, or the header is incomplete. A damaged header may raise
    any of DECODE_ERRORS.
    """
    unidentified = isinstance(error, UnidentifiedImageError)
    if unidentified and file_format == "JPEG":
        error = _jpeg_error(data) or error
    known = _UNSUPPORTED.search(str(error))
    if file_format == "TIFF":
        return _tiff_variant(data) if known or unidentified else None
    return str(error) if known else None


def _jpeg_error(data: bytes) -> Exception | None:
    """The error of Pillow's JPEG plugin, which Image.open hides."""
    try:
        JpegImageFile(BytesIO(data)).close()
    except (SyntaxError, OSError) as error:
        return error
    return None


def _find_misread_tiff(image: TiffImageFile) -> str | None:
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
    """Whether the samples of an uncompressed plane need no conversion.

    Pillow reads each plane by the first letter of a mode such as `L;I` or `RGB;16L`.
    """
    plain_bytes = bits == 8 and colours not in (_WHITE_IS_ZERO, _LAB)
    return fill_order != _REVERSED and (plain_bytes or (bits == 1 and colours == _BLACK_IS_ZERO))


def _is_subsampled(image: TiffImageFile) -> bool:
    """Whether it has fewer than three bytes a pixel; Pillow expects three."""
    counts = image.tag_v2.get(STRIPBYTECOUNTS) or image.tag_v2.get(TILEBYTECOUNTS)
    return counts is not None and sum(counts) < 3 * image.width * image.height


def _tiff_variant(data: bytes) -> str | None:
    """The tags that define the variant of a TIFF; None if its directory is incomplete."""
    if data.startswith(b"MM\0+"):
        return "big-endian BigTIFF"
    with warnings.catch_warnings(record=True) as missing:
        # Pillow warns about tags beyond the end of the file and ignores them.
        warnings.simplefilter("always")
        tags = _directory(data)
        is_complete = not missing and set(tags) >= _SIZE and set(tags) & _OFFSETS
        texts = [f"{lookup(tag).name} {tags[tag]}" for tag in _VARIANT_TAGS if tag in tags]
    return ", ".join(texts) if is_complete else None


def _directory(data: bytes) -> ImageFileDirectory_v2:
    file = BytesIO(data)
    directory = ImageFileDirectory_v2(file.read(16 if data[2:3] == b"+" else 8))
    file.seek(directory.next)
    directory.load(file)
    return directory
