"""Files on a disk as objects: files that vanish, folders that cannot be read, strange entries."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from job.errors import AccessDeniedError, TransportError
from job.images import local_client
from job.images.local_client import file_at, files_below, subfolders


def names(folder: Path) -> list[str]:
    listed = files_below(str(folder), recursive=True)
    return sorted(stored.path.removeprefix(f"file://{folder}/") for stored in listed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, one in a subfolder."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b").write_bytes(b"b")
    (tmp_path / "a").write_bytes(b"a")
    return tmp_path


def raise_for(path: Path, error: type[OSError], call: Any) -> Any:
    """`call`, which raises `error` for `path`: root can read everything."""

    def raising(asked: str) -> Any:
        if asked == str(path):
            raise error(5, os.strerror(5), asked)
        return call(asked)

    return raising


def test_links_to_files_are_listed_and_other_entries_are_not(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "a")
    (folder / "dangling").symlink_to(folder / "missing")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "folder link").symlink_to(folder / "sub")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket"))
        assert names(folder) == ["a", "link", "sub/b"]


def test_a_file_that_vanishes_during_the_listing_is_omitted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "stat", raise_for(folder / "a", FileNotFoundError, os.stat))
    assert list(file_at(str(folder / "a"))) == []
    assert names(folder) == ["sub/b"]


def test_a_folder_that_vanishes_during_the_listing_is_omitted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = raise_for(folder / "sub", FileNotFoundError, os.scandir)
    monkeypatch.setattr(local_client.os, "scandir", gone)
    assert names(folder) == ["a"]
    assert subfolders(str(folder / "sub")) == []


@pytest.mark.parametrize(
    ("error", "expected"), [(PermissionError, AccessDeniedError), (OSError, TransportError)]
)
@pytest.mark.parametrize("name", ["sub", "a"])
def test_what_cannot_be_read_is_named_in_one_line(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: type[OSError],
    expected: type[Exception],
) -> None:
    call = "scandir" if name == "sub" else "stat"
    monkeypatch.setattr(os, call, raise_for(folder / name, error, getattr(os, call)))
    with pytest.raises(expected, match=f"{folder / name} cannot be"):
        names(folder)


def test_a_missing_folder_has_no_files(tmp_path: Path) -> None:
    def listed(path: Path) -> Iterator[object]:
        return files_below(str(path), recursive=True)

    (tmp_path / "file").touch()
    assert list(listed(tmp_path / "missing")) == []
    assert list(listed(tmp_path / "file" / "below")) == []
