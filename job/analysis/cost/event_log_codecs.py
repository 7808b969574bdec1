"""Event logs as Spark compresses them, to lines; what was cut off ends with its last whole line."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping

import pyarrow as pa

from job.errors import InvalidValueError

# pyarrow gives nothing of a read in which data ends too early: small reads lose little.
_CHUNK = 4096
# lz4-java's LZ4BlockOutputStream, which is not the frame format of LZ4's own programs.
_LZ4_MAGIC = b"LZ4Block"
_LZ4_HEADER = struct.Struct("<8sBiiI")
_LZ4_RAW, _LZ4_LZ4 = 0x10, 0x20


class CutOffError(Exception):
    """The data ends in the midst of a compressed block."""


def lines(name: str, data: bytes, *, in_progress: bool = False) -> Iterator[bytes]:
    """The lines of a log file, by the codec that its name ends with.

    Raises InvalidValueError for another codec, and for data that was cut off unless the log is
    `in_progress`.
    """
    codec = _codec_of(name)
    if codec not in _CODECS:
        raise InvalidValueError(
            f"{name} is compressed by {codec}",
            expected="zstd, lz4 or no compression",
            fix="set spark.eventLog.compression.codec=zstd for runs to come",
        )
    try:
        yield from _split(_CODECS[codec](data))
    except CutOffError as error:
        if not in_progress:
            raise InvalidValueError(
                f"{name} ends in the midst of a block",
                expected="a whole file",
                fix="copy it again",
            ) from error


def _codec_of(name: str) -> str:
    """zstd of events_1_app-1.zstd, with or without .compact or .inprogress behind it."""
    for ending in (".inprogress", ".compact"):
        name = name.removesuffix(ending)
    codec = name.rpartition("/")[2].rpartition(".")[2]
    return codec if codec in (*_CODECS, "snappy", "lzf") else ""


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(None, whole)
    if rest:
        yield rest


def _plain(data: bytes) -> Iterator[bytes]:
    yield data


def _zstd(data: bytes) -> Iterator[bytes]:
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        while True:
            try:
                chunk = stream.read(_CHUNK)
            except OSError as error:
                raise CutOffError from error
            if not chunk:
                return
            yield chunk


def _lz4(data: bytes) -> Iterator[bytes]:
    """Blocks of a header (magic, method, both lengths, checksum) and data; an empty one ends it."""
    at = 0
    while at < len(data):
        if len(data) < at + _LZ4_HEADER.size:
            raise CutOffError
        magic, token, packed, length, _ = _LZ4_HEADER.unpack_from(data, at)
        if magic != _LZ4_MAGIC:
            raise InvalidValueError("a block does not begin as lz4-java's do", expected="lz4")
        block = data[at + _LZ4_HEADER.size : at + _LZ4_HEADER.size + packed]
        if len(block) < packed:
            raise CutOffError
        at += _LZ4_HEADER.size + packed
        yield _unpacked(block, token & 0xF0, length)


def _unpacked(block: bytes, method: int, length: int) -> bytes:
    if method == _LZ4_RAW or not length:
        return block
    return bytes(pa.decompress(block, decompressed_size=length, codec="lz4_raw", asbytes=True))


_CODECS: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {
    "": _plain,
    "zstd": _zstd,
    "lz4": _lz4,
}
