"""Logs as files: rolled and whole, compressed, cut off, and what is none."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pyarrow as pa
import pytest

from job.analysis.cost.event_log_codecs import lines as decoded
from job.analysis.cost.log_files import log_files
from job.analysis.cost.storage import Storage
from job.cli import main
from job.errors import InputNotFoundError, InvalidValueError
from tests.unit.analysis.cost.example_log import events, lines

TEXT = b"\n".join(lines(events())) + b"\n"
HERE = Storage({})


def zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


def lz4(data: bytes) -> bytes:
    """As lz4-java's LZ4BlockOutputStream writes: blocks of 64 bytes here, then an empty one."""
    packed = b""
    for start in range(0, len(data), 64):
        block = data[start : start + 64]
        body = bytes(pa.Codec("lz4_raw").compress(block, asbytes=True))
        raw = len(body) >= len(block)
        token, body = (0x10, block) if raw else (0x20, body)
        packed += struct.pack("<8sBiiI", b"LZ4Block", token, len(body), len(block), 0) + body
    return packed + struct.pack("<8sBiiI", b"LZ4Block", 0x10, 0, 0, 0)


@pytest.mark.parametrize(
    ("name", "data"),
    [("app-1", TEXT), ("app-1.zstd", zstd(TEXT)), ("app-1.lz4", lz4(TEXT))],
    ids=["plain", "zstd", "lz4"],
)
def test_each_codec_gives_the_same_events(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    found = log_files(HERE, str(tmp_path / name))
    assert [json.loads(each) for each in found.lines()] == events()
    assert not found.in_progress


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_file_that_is_cut_off(codec: str) -> None:
    data = zstd(TEXT)[:-40] if codec == "zstd" else lz4(TEXT)[:-100]
    name = f"app-1.{codec}"
    with pytest.raises(InvalidValueError, match="ends in the midst of a block"):
        list(decoded(name, data))
    told = list(decoded(f"{name}.inprogress", data, in_progress=True))
    assert TEXT.startswith(b"\n".join(told))


def test_of_a_file_that_is_cut_off_what_came_before_is_read() -> None:
    """Spark ends a frame of zstd whenever it flushes."""
    whole, cut = zstd(TEXT * 50), zstd(TEXT)[:-40]
    told = list(decoded("app-1.zstd.inprogress", whole + cut, in_progress=True))
    assert len(told) >= 45 * len(events())


def test_another_codec_is_named() -> None:
    with pytest.raises(InvalidValueError, match="compressed by snappy"):
        list(decoded("app-1.snappy", b""))


def test_rolled_files_in_their_order(tmp_path: Path) -> None:
    for number in (10, 9, 11):
        (tmp_path / f"events_{number}_app-1").write_bytes(b'{"n": %d}\n' % number)
    (tmp_path / "appstatus_app-1.inprogress").touch()
    found = log_files(HERE, str(tmp_path))
    assert list(found.lines()) == [b'{"n": 9}', b'{"n": 10}', b'{"n": 11}']
    assert found.in_progress


def test_a_compacted_file_stands_for_those_before_it(tmp_path: Path) -> None:
    for name in ("events_1_a", "events_2_a", "events_2_a.compact", "events_3_a"):
        (tmp_path / name).write_text(f'"{name}"\n')
    found = log_files(HERE, str(tmp_path))
    assert list(found.lines()) == [b'"events_2_a.compact"', b'"events_3_a"']


def test_what_is_not_there_or_another_folder(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        log_files(HERE, str(tmp_path / "none"))
    (tmp_path / "app-1").touch()
    (tmp_path / "app-2").touch()
    with pytest.raises(InvalidValueError, match="holds 2 files"):
        log_files(HERE, str(tmp_path))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app-1.zstd").write_bytes(zstd(TEXT))
    output = tmp_path / "out" / "features"
    output.mkdir(parents=True)
    (output / "part-0").write_bytes(b"x" * 1024)
    log = str(tmp_path / "app-1.zstd")
    assert main(["cost", log, "--json", "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["vcpu_seconds"], found["gb_seconds"], found["pods"]) == (1900, 4400, 3)
    assert found["images"] == 160
    assert [way["name"] for way in found["ways"]][:2] == ["on demand", "spot"]
    assert found["storage_month"] == pytest.approx(1024 / 1024**3 * 0.023)
    assert "prices are the examples" in said.err
    assert main(["cost", log, "--images", "1000000"]) == 0
    assert "a million images" in capsys.readouterr().out
