"""Generates hostile and unusual files from real images, with the expected result of each.

`python -m tests.chaos.hostile FOLDER` writes the files.
"""

from __future__ import annotations

import io
import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

FEATURES = "features"
BAD = frozenset({"truncated", "unsupported", "not_an_image", "too_many_pixels", "too_large"})
ANY = BAD | {FEATURES}
SAMPLE = Path(__file__).parents[2] / "examples" / "images"


@dataclass(frozen=True)
class Hostile:
    """A file and its possible ends: `features`, or reasons of the quarantine."""

    name: str
    data: bytes
    ends: frozenset[str]


def hostile_files(seed: int) -> Iterator[Hostile]:
    """More than 300 files; the same seed gives the same files."""
    chance = random.Random(seed)
    real = [path.read_bytes() for path in sorted(SAMPLE.rglob("*.jpg"))]
    for number, data in enumerate(chance.sample(real, 40)):
        yield from _flipped(f"flips/{number:02}", data, chance)
        yield from _cut(f"cut/{number:02}", data)
    for number, data in enumerate(chance.sample(real, 8)):
        yield from _wrong_headers(f"headers/{number}", data)
        yield from _other_kinds(f"kinds/{number}", data)
    yield from _not_images(real[0])
    yield from _huge()


def _flipped(name: str, data: bytes, chance: random.Random) -> Iterator[Hostile]:
    for bits in (1, 10, 300):
        changed = bytearray(data)
        for _ in range(bits):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        yield Hostile(f"{name}-{bits}.jpg", bytes(changed), ANY)


def _cut(name: str, data: bytes) -> Iterator[Hostile]:
    for quarter in (1, 2, 3):
        cut = data[: len(data) * quarter // 4]
        yield Hostile(f"{name}-{quarter}.jpg", cut, frozenset({"truncated"}))


def _wrong_headers(name: str, data: bytes) -> Iterator[Hostile]:
    png = b"\x89PNG\r\n\x1a\n"
    yield Hostile(f"{name}-png-of-jpeg.png", png + data, frozenset({"truncated"}))
    yield Hostile(
        f"{name}-jpeg-of-png.jpg", b"\xff\xd8\xff" + _as(data, "PNG"), frozenset({"truncated"})
    )
    yield Hostile(f"{name}-no-header.jpg", data[20:], frozenset({"not_an_image"}))
    yield Hostile(f"{name}-misnamed.png", data, frozenset({FEATURES}))


def _other_kinds(name: str, data: bytes) -> Iterator[Hostile]:
    kinds: dict[str, Callable[[Image.Image], bytes]] = {
        "cmyk.jpg": lambda image: _saved(image.convert("CMYK"), "JPEG"),
        "palette.png": lambda image: _saved(image.convert("P"), "PNG"),
        "alpha.png": lambda image: _saved(image.convert("RGBA"), "PNG"),
        "grey.webp": lambda image: _saved(image.convert("L"), "WEBP"),
        "sixteen-bit.png": lambda image: _saved(_deep(image), "PNG"),
        "sixteen-bit.tiff": lambda image: _saved(_deep(image), "TIFF"),
        "bilevel.bmp": lambda image: _saved(image.convert("1"), "BMP"),
        "animated.gif": lambda image: _animated(image, 12),
        "icc.jpg": lambda image: _saved(image, "JPEG", icc_profile=b"no profile" * 9000),
        "exif.jpg": lambda image: _saved(image, "JPEG", exif=b"Exif\0\0" + b"\xff" * 60_000),
        "text.png": _with_long_text,
    }
    with Image.open(io.BytesIO(data)) as image:
        for kind, make in kinds.items():
            yield Hostile(f"{name}-{kind}", make(image), frozenset({FEATURES}))


def _not_images(data: bytes) -> Iterator[Hostile]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as inside:
        inside.writestr("a.jpg", data)
    noise = np.random.default_rng(0).integers(0, 256, 50_000_000, dtype=np.uint8).tobytes()
    nothing = {
        "empty.jpg": b"",
        "one-byte.jpg": b"\xff",
        "archive.jpg": archive.getvalue(),
        "page.jpg": b"<!DOCTYPE html><html><body>404</body></html>",
        "zeros.png": bytes(100_000),
        "noise.jpg": b"\x00" + noise,
    }
    for name, content in nothing.items():
        yield Hostile(f"nothing/{name}", content, frozenset({"not_an_image"}))
    yield Hostile("nothing/no-frame.gif", _gif_without_frames(), frozenset({"truncated"}))


def _huge() -> Iterator[Hostile]:
    too_many = frozenset({"too_many_pixels"})
    for side in (8_000, 60_000, 2**31 - 1):
        yield Hostile(f"huge/{side}.png", _png_header(side), too_many | {"truncated"})
    yield Hostile("huge/bomb.png", _bomb(20_000), too_many)
    bitmap = struct.pack("<2sIHHI", b"BM", 54, 0, 0, 54)
    bitmap += struct.pack("<IiiHHIIiiII", 40, 50_000, 50_000, 1, 24, 0, 0, 0, 0, 0, 0)
    yield Hostile("huge/bitmap.bmp", bitmap, too_many)


def _as(data: bytes, kind: str) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return _saved(image, kind)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _deep(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


def _animated(image: Image.Image, frames: int) -> bytes:
    turned = [image.rotate(30 * number) for number in range(1, frames)]
    return _saved(image, "GIF", save_all=True, append_images=turned)


def _with_long_text(image: Image.Image) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * 500_000, zip=True)
    return _saved(image, "PNG", pnginfo=text)


def _gif_without_frames() -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0, 0, 0) + b";"


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_header(side: int) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", b"") + _chunk(b"IEND", b"")


def _bomb(side: int) -> bytes:
    """A valid PNG of 400 megapixels in half a megabyte."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(side + 1)) for _ in range(side)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def write(folder: Path, seed: int) -> dict[str, frozenset[str]]:
    """Write all files below `folder`; returns the possible ends by file name."""
    ends = {}
    for file in hostile_files(seed):
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        ends[file.name] = file.ends
    return ends


if __name__ == "__main__":
    print(f"{len(write(Path(sys.argv[1]), seed=1))} files")
