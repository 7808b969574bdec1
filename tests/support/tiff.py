"""Writes TIFFs of any variant, tag by tag: Pillow writes only the common variants."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

BITS, COMPRESSION, COLOURS, PLANES, PALETTE, SAMPLE_FORMAT = 258, 259, 262, 284, 320, 339
SAMPLES, FILL_ORDER, EXTRA_SAMPLES, SUBSAMPLING = 277, 266, 338, 530
_WIDTH, _LENGTH, _STRIP_OFFSETS, _ROWS_A_STRIP, _STRIP_LENGTHS = 256, 257, 273, 278, 279

Tags = Mapping[int, int | Sequence[int]]


def tiff(
    size: tuple[int, int],
    tags: Tags,
    strips: Sequence[bytes],
    prefix: bytes = b"II",
    *,
    directory_first: bool = True,
) -> bytes:
    """A TIFF of `size` (width, height) with numeric tags and one strip per plane."""
    lengths = [len(strip) for strip in strips]
    all_tags = {_WIDTH: size[0], _LENGTH: size[1], _ROWS_A_STRIP: size[1], **tags}
    all_tags |= {_STRIP_LENGTHS: lengths, _STRIP_OFFSETS: lengths}
    order, pixels = "<" if prefix == b"II" else ">", b"".join(strips)
    place = 8 if directory_first else 8 + len(pixels)
    start = 8 + len(_directory(order, all_tags, 0)) if directory_first else 8
    all_tags[_STRIP_OFFSETS] = [start + sum(lengths[:number]) for number in range(len(strips))]
    directory = _directory(order, all_tags, place)
    header = prefix + struct.pack(f"{order}HI", 42, place)
    return header + (directory + pixels if directory_first else pixels + directory)


def _directory(order: str, tags: Tags, place: int) -> bytes:
    """The directory for offset `place`; long values follow the entries."""
    entries, values = struct.pack(f"{order}H", len(tags)), b""
    behind = place + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        numbers = [value] if isinstance(value, int) else list(value)
        kind, code = (4, "I") if tag in (_STRIP_OFFSETS, _STRIP_LENGTHS) else (3, "H")
        packed = struct.pack(f"{order}{len(numbers)}{code}", *numbers)
        if len(packed) > 4:
            values += packed
            packed = struct.pack(f"{order}I", behind + len(values) - len(packed))
        entries += struct.pack(f"{order}HHI", tag, kind, len(numbers)) + packed.ljust(4, b"\0")
    return entries + bytes(4) + values
