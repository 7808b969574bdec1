"""A model is converted once per machine, and again if its cached file is unusable."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from job.features.model_cache import cached


class Builder:
    """Returns `content` slowly, and counts the calls."""

    def __init__(self, content: bytes = b"model") -> None:
        self.content, self.built, self._lock = content, 0, threading.Lock()

    def __call__(self) -> bytes:
        with self._lock:
            self.built += 1
        time.sleep(0.1)
        return self.content


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The cache folder, below a temporary folder of the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"image-features-{os.getuid()}"


def test_a_cached_is_not_built_again() -> None:
    first, second = Builder(), Builder(b"another")

    assert cached("a", first) == b"model"
    assert cached("a", second) == b"model"
    assert cached("b", second) == b"another"
    assert (first.built, second.built) == (1, 1)


def test_one_of_several_concurrent_callers_builds() -> None:
    build = Builder()

    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: cached("a", build), range(4)))

    assert models == [b"model"] * 4
    assert build.built == 1


@pytest.mark.parametrize("content", [b"", b"half of a mod"])
def test_an_incomplete_file_is_built_again(content: bytes, folder: Path) -> None:
    cached("a", Builder())
    (file,) = folder.glob("*.model")
    file.write_bytes(content)
    build = Builder()

    assert [cached("a", build), cached("a", build)] == [b"model", b"model"]
    assert build.built == 1


def test_an_error_is_raised_and_nothing_is_cached(folder: Path) -> None:
    def fail() -> bytes:
        raise ValueError("no weights")

    with pytest.raises(ValueError, match="no weights"):
        cached("a", fail)
    assert not list(folder.glob("*.model"))


def test_a_folder_that_others_can_write_to_is_ignored(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    build = Builder()

    assert [cached("a", build), cached("a", build)] == [b"model", b"model"]
    assert build.built == 2
    assert not list(folder.iterdir())


def test_without_a_folder_the_model_is_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))

    assert cached("a", Builder()) == b"model"


def test_a_link_instead_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)

    assert cached("a", Builder()) == b"model"
    assert not list(elsewhere.iterdir())


def test_the_oldest_models_are_deleted(folder: Path) -> None:
    for number in range(10):
        cached(f"{number}", Builder(str(number).encode()))
        os.utime(folder / f"{number}.model", (number, number))
    cached("last", Builder())

    assert {file.stem for file in folder.glob("*.model")} == {*map(str, range(3, 10)), "last"}
