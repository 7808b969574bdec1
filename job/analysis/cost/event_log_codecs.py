"""Decompresses event logs into lines; a truncated log ends with its last complete block."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping

import pyarrow as pa

from job.errors import InvalidValueError

# pyarrow discards the read in which truncated data ends, so small reads lose little.
_CHUNK = 4096
# The format of lz4-java's LZ4BlockOutputStream, which differs from the LZ4 frame format.
_LZ4_MAGIC = b"LZ4Block"
_LZ4_HEADER = struct.Struct("<8sBiiI")
_LZ4_RAW, _LZ4_LZ4 = 0x10, 0x20


class TruncatedLogError(Exception):
    """The data ends inside a compressed block."""


def read_lines(name: str, data: bytes, *, in_progress: bool = False) -> Iterator[bytes]:
    """The lines of a log file, decompressed by the codec in its name.

    Raises InvalidValueError for an unsupported codec, and for truncated data unless the log is
    `in_progress`.
    """
    codec = _codec_of(name)
    if codec not in _CODECS:
        raise InvalidValueError(
            f"{name} is compressed with {codec}",
            expected="zstd, lz4 or no compression",
            fix="set spark.eventLog.compression.codec=zstd for future runs",
        )
    try:
        yield from _split_lines(_CODECS[codec](data))
    except TruncatedLogError as error:
        if not in_progress:
            raise InvalidValueError(
                f"{name} ends inside a compressed block",
                expected="a complete file",
                fix="copy it again",
            ) from error


def _codec_of(name: str) -> str:
    """The codec in a file name, such as zstd in events_1_app-1.zstd.compact; empty for none."""
    for suffix in (".inprogress", ".compact"):
        name = name.removesuffix(suffix)
    codec = name.rpartition("/")[2].rpartition(".")[2]
    return codec if codec in (*_CODECS, "snappy", "lzf") else ""


def _split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *complete, rest = (rest + chunk).split(b"\n")
        yield from filter(None, complete)
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
                raise TruncatedLogError from error
            if not chunk:
                return
            yield chunk


def _lz4(data: bytes) -> Iterator[bytes]:
    """Decompress blocks: a header (magic, method, both lengths, checksum), then the data."""
    offset = 0
    while offset < len(data):
        start = offset + _LZ4_HEADER.size
        if len(data) < start:
            raise TruncatedLogError
        magic, token, compressed, length, _ = _LZ4_HEADER.unpack_from(data, offset)
        if magic != _LZ4_MAGIC:
            raise InvalidValueError("a block does not start like lz4-java's", expected="lz4")
        block = data[start : start + compressed]
        if len(block) < compressed:
            raise TruncatedLogError
        offset = start + compressed
        yield _decompress_lz4(block, token & 0xF0, length)


def _decompress_lz4(block: bytes, method: int, length: int) -> bytes:
    if method == _LZ4_RAW or not length:
        return block
    return bytes(pa.decompress(block, decompressed_size=length, codec="lz4_raw", asbytes=True))


_CODECS: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {
    "": _plain,
    "zstd": _zstd,
    "lz4": _lz4,
}
