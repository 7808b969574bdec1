"""Log files: rolled, compressed, truncated, and other files."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pyarrow as pa
import pytest

from job.analysis.cost.event_log_codecs import read_lines
from job.analysis.cost.log_files import find_log_files
from job.analysis.cost.storage import Storage
from job.cli import main
from job.errors import InputNotFoundError, InvalidValueError
from tests.unit.analysis.cost.example_log import events, lines

TEXT = b"\n".join(lines(events())) + b"\n"
LOCAL = Storage({})


def zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


def lz4(data: bytes) -> bytes:
    """The format of lz4-java's LZ4BlockOutputStream: blocks of 64 bytes, then an empty block."""
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
    files = find_log_files(LOCAL, str(tmp_path / name))
    assert [json.loads(line) for line in files.lines()] == events()
    assert not files.in_progress


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_truncated_file_is_read_only_while_in_progress(codec: str) -> None:
    data = zstd(TEXT)[:-40] if codec == "zstd" else lz4(TEXT)[:-100]
    name = f"app-1.{codec}"
    with pytest.raises(InvalidValueError, match="ends inside a compressed block"):
        list(read_lines(name, data))
    lines_before = list(read_lines(f"{name}.inprogress", data, in_progress=True))
    assert TEXT.startswith(b"\n".join(lines_before))


def test_the_lines_before_the_truncation_are_read() -> None:
    """Spark ends a zstd frame at each flush."""
    complete, truncated = zstd(TEXT * 50), zstd(TEXT)[:-40]
    data = complete + truncated
    lines_before = list(read_lines("app-1.zstd.inprogress", data, in_progress=True))
    assert len(lines_before) >= 45 * len(events())


def test_an_unsupported_codec_is_named() -> None:
    with pytest.raises(InvalidValueError, match="compressed with snappy"):
        list(read_lines("app-1.snappy", b""))


def test_rolled_files_are_ordered_by_number(tmp_path: Path) -> None:
    for number in (10, 9, 11):
        (tmp_path / f"events_{number}_app-1").write_bytes(b'{"n": %d}\n' % number)
    (tmp_path / "appstatus_app-1.inprogress").touch()
    files = find_log_files(LOCAL, str(tmp_path))
    assert list(files.lines()) == [b'{"n": 9}', b'{"n": 10}', b'{"n": 11}']
    assert files.in_progress


def test_a_compacted_file_replaces_earlier_ones(tmp_path: Path) -> None:
    for name in ("events_1_a", "events_2_a", "events_2_a.compact", "events_3_a"):
        (tmp_path / name).write_text(f'"{name}"\n')
    files = find_log_files(LOCAL, str(tmp_path))
    assert list(files.lines()) == [b'"events_2_a.compact"', b'"events_3_a"']


def test_missing_and_other_folders_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        find_log_files(LOCAL, str(tmp_path / "none"))
    (tmp_path / "app-1").touch()
    (tmp_path / "app-2").touch()
    with pytest.raises(InvalidValueError, match="has 2 files"):
        find_log_files(LOCAL, str(tmp_path))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app-1.zstd").write_bytes(zstd(TEXT))
    output = tmp_path / "out" / "features"
    output.mkdir(parents=True)
    (output / "part-0").write_bytes(b"x" * 1024)
    log = str(tmp_path / "app-1.zstd")
    assert main(["cost", log, "--json", "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    values = json.loads(printed.out)
    assert (values["vcpu_seconds"], values["gb_seconds"], values["pods"]) == (1900, 4400, 3)
    assert values["images"] == 160
    assert [option["name"] for option in values["ways"]][:2] == ["on demand", "spot"]
    assert values["storage_month"] == pytest.approx(1024 / 1024**3 * 0.023)
    assert "prices are the examples" in printed.err
    assert main(["cost", log, "--images", "1000000"]) == 0
    assert "a million images" in capsys.readouterr().out
