"""A complete image is decoded to its own pixels, or is `unsupported`."""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from job.images.decode import BadImageError, DecodeRules, decode
from job.images.partial_decode import partial_thumbnail
from tests.support.tiff import (
    BITS,
    COLOURS,
    COMPRESSION,
    EXTRA_SAMPLES,
    FILL_ORDER,
    PALETTE,
    PLANES,
    SAMPLE_FORMAT,
    SAMPLES,
    SUBSAMPLING,
    Tags,
    tiff,
)

SIZE = (12, 8)
RULES = DecodeRules(height=8, width=12)
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, COLOUR_MAP, YCBCR, LAB = 0, 1, 2, 3, 6, 8
DEFLATE, JPEG_2000 = 8, 34712

# Brightness from 0 to 1, (height, width).
GREY = np.linspace(0.0, 1.0, 96).reshape(8, 12)
COLOURED = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@pytest.mark.parametrize("prefix", [b"II", b"MM"])
@pytest.mark.parametrize("compression", [1, DEFLATE])
@pytest.mark.parametrize("colours", [WHITE_IS_ZERO, BLACK_IS_ZERO])
@pytest.mark.parametrize(
    ("bits", "kind"),
    [*itertools.product((8, 16, 32), (UNSIGNED, SIGNED)), (16, FLOAT), (32, FLOAT), (64, FLOAT)],
)
def test_grey_with_any_samples_is_decoded_correctly_or_unsupported(
    bits: int, kind: int, colours: int, compression: int, prefix: bytes
) -> None:
    stored = 1 - GREY if colours == WHITE_IS_ZERO else GREY
    tags = {BITS: bits, SAMPLE_FORMAT: kind, COLOURS: colours, COMPRESSION: compression}
    data = tiff(SIZE, tags, [_packed(stored, bits, kind, prefix, compression)], prefix)
    decoded = _decoded_or_unsupported(data)
    if decoded is not None:
        np.testing.assert_allclose(decoded[..., 0] / 255, GREY, atol=0.01)
    if bits == 8 and kind == UNSIGNED:
        assert decoded is not None


@pytest.mark.parametrize("prefix", [b"II", b"MM"])
@pytest.mark.parametrize("compression", [1, DEFLATE])
@pytest.mark.parametrize("in_planes", [False, True])
@pytest.mark.parametrize(
    ("bits", "kind"), [(8, UNSIGNED), (16, UNSIGNED), (8, SIGNED), (32, FLOAT)]
)
def test_colours_with_any_samples_are_decoded_correctly_or_unsupported(
    bits: int, kind: int, in_planes: bool, compression: int, prefix: bytes
) -> None:
    tags = {BITS: (bits,) * 3, SAMPLE_FORMAT: (kind,) * 3, COLOURS: RGB, SAMPLES: 3}
    planes = [COLOURED[..., band] for band in range(3)] if in_planes else [COLOURED]
    strips = [_packed(plane, bits, kind, prefix, compression) for plane in planes]
    tags |= {COMPRESSION: compression, PLANES: 2 if in_planes else 1}
    decoded = _decoded_or_unsupported(tiff(SIZE, tags, strips, prefix))
    if decoded is not None:
        np.testing.assert_allclose(decoded / 255, COLOURED, atol=0.01)
    if kind == UNSIGNED and not in_planes:
        assert decoded is not None


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_that_pillow_clips_are_unsupported(mode: str) -> None:
    assert _reason(_saved(Image.new(mode, SIZE, 1))) == "unsupported"


EIGHT_BITS = b"\x40" * 96
TWELVE_BITS = b"\x80\x08\x00" * 48
PALETTE_OF_8_BITS = tuple(range(256)) * 3


@pytest.mark.parametrize(
    ("tags", "strips"),
    [
        ({BITS: 12, COLOURS: BLACK_IS_ZERO}, [TWELVE_BITS]),
        ({BITS: 8, COLOURS: WHITE_IS_ZERO, PLANES: 2}, [EIGHT_BITS]),
        ({BITS: (8, 8), COLOURS: BLACK_IS_ZERO, SAMPLES: 2, EXTRA_SAMPLES: 1}, [EIGHT_BITS * 2]),
        ({BITS: 8, COLOURS: COLOUR_MAP, PALETTE: PALETTE_OF_8_BITS}, [EIGHT_BITS]),
        ({BITS: (8, 8, 8), COLOURS: RGB, SAMPLES: 3, PLANES: 2, FILL_ORDER: 2}, [EIGHT_BITS] * 3),
        ({BITS: (8, 8, 8), COLOURS: LAB, SAMPLES: 3, PLANES: 2}, [EIGHT_BITS] * 3),
        (
            {BITS: (8, 8, 8), COLOURS: YCBCR, SAMPLES: 3, SUBSAMPLING: (2, 2)},
            [EIGHT_BITS + EIGHT_BITS[:48]],
        ),
        ({BITS: 8, COLOURS: BLACK_IS_ZERO, COMPRESSION: JPEG_2000}, [b"a codestream"]),
    ],
    ids=["12 bits", "planes", "alpha", "palette", "fill", "Lab", "YCbCr", "JPEG 2000"],
)
def test_a_variant_of_tiff_that_pillow_misreads_or_refuses_is_unsupported(
    tags: Tags, strips: Sequence[bytes]
) -> None:
    # Pillow may read the bytes after the strips as pixels.
    assert _reason(tiff(SIZE, tags, strips) + bytes(1000)) == "unsupported"


def test_ycbcr_without_subsampling_is_decoded() -> None:
    image = Image.new("YCbCr", SIZE, (90, 128, 128))
    assert (decode(_saved(image), RULES) == 90).all()


def test_the_detail_names_the_variant() -> None:
    assert _bad(_saved(Image.new("F", SIZE))).detail.endswith("floating-point samples")
    doubles = tiff(SIZE, {BITS: 64, COLOURS: 1, SAMPLE_FORMAT: FLOAT}, [bytes(768)])
    assert "BitsPerSample (64,)" in _bad(doubles).detail


def test_a_jpeg_with_12_bits_is_unsupported() -> None:
    data = _saved(Image.new("L", SIZE), "JPEG")
    assert _reason(data.replace(b"\xff\xc0\x00\x0b\x08", b"\xff\xc1\x00\x0b\x0c")) == "unsupported"


def test_a_bitmap_with_an_unknown_compression_is_unsupported() -> None:
    jpeg_compression = 4
    header = struct.pack("<2sIHHI", b"BM", 54, 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, 12, 8, 1, 24, jpeg_compression, 0, 0, 0, 0, 0)
    assert _reason(header + _saved(Image.new("RGB", SIZE), "JPEG")) == "unsupported"


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("prefix", [b"II", b"MM"])
@pytest.mark.parametrize("directory_first", [False, True])
def test_an_incomplete_tiff_is_truncated_and_never_unsupported(
    directory_first: bool, prefix: bytes
) -> None:
    tags = {BITS: (8, 8, 8), COLOURS: RGB, SAMPLES: 3}
    data = tiff(SIZE, tags, [EIGHT_BITS * 3], prefix, directory_first=directory_first)
    assert decode(data, RULES).shape == (8, 12, 3)
    assert {_reason(data[:length]) for length in range(4, len(data))} == {"truncated"}


def test_misread_pixels_give_no_thumbnail() -> None:
    ramp = Image.fromarray(np.linspace(0, 300, 96, dtype=np.float32).reshape(8, 12))
    assert partial_thumbnail(_saved(ramp)) is None


def _packed(values: Array, bits: int, kind: int, prefix: bytes, compression: int) -> bytes:
    """`values` from 0 to 1 as samples; the largest of a kind is 1."""
    order = "<" if prefix == b"II" else ">"
    if kind == FLOAT:
        samples = values.astype(f"{order}f{bits // 8}")
    else:
        maximum = 2 ** (bits - (kind == SIGNED)) - 1
        samples = np.round(values * maximum).astype(f"{order}{'iu'[kind == UNSIGNED]}{bits // 8}")
    packed = samples.tobytes()
    return zlib.compress(packed) if compression == DEFLATE else packed


def _saved(image: Image.Image, file_format: str = "TIFF") -> bytes:
    out = io.BytesIO()
    image.save(out, file_format)
    return out.getvalue()


def _decoded_or_unsupported(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None:
    try:
        return decode(data, RULES)
    except BadImageError:
        assert _reason(data) == "unsupported"
        return None


def _reason(data: bytes) -> str:
    return _bad(data).reason


def _bad(data: bytes) -> BadImageError:
    with pytest.raises(BadImageError) as raised:
        decode(data, RULES)
    return raised.value
