"""A graph is built once on a machine, and again when what is kept of it is of no use."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from job.features.model_cache import kept_graph


class Builder:
    """Gives `graph` slowly, and counts how often."""

    def __init__(self, graph: bytes = b"graph") -> None:
        self.graph, self.built, self._lock = graph, 0, threading.Lock()

    def __call__(self) -> bytes:
        with self._lock:
            self.built += 1
        time.sleep(0.1)
        return self.graph


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where graphs are kept, below a temporary folder of the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"image-features-{os.getuid()}"


def test_what_was_built_is_not_built_again() -> None:
    first, second = Builder(), Builder(b"another")

    assert kept_graph("a", first) == b"graph"
    assert kept_graph("a", second) == b"graph"
    assert kept_graph("b", second) == b"another"
    assert (first.built, second.built) == (1, 1)


def test_of_those_who_ask_at_once_one_builds() -> None:
    build = Builder()

    with ThreadPoolExecutor(4) as pool:
        graphs = list(pool.map(lambda _: kept_graph("a", build), range(4)))

    assert graphs == [b"graph"] * 4
    assert build.built == 1


@pytest.mark.parametrize("left", [b"", b"half of a gra"])
def test_what_is_not_whole_is_built_again(left: bytes, folder: Path) -> None:
    kept_graph("a", Builder())
    (file,) = folder.glob("*.graph")
    file.write_bytes(left)
    build = Builder()

    assert [kept_graph("a", build), kept_graph("a", build)] == [b"graph", b"graph"]
    assert build.built == 1


def test_a_failure_is_told_and_nothing_is_kept(folder: Path) -> None:
    def fail() -> bytes:
        raise ValueError("no weights")

    with pytest.raises(ValueError, match="no weights"):
        kept_graph("a", fail)
    assert not list(folder.glob("*.graph"))


def test_a_folder_that_others_can_write_to_is_not_used(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    build = Builder()

    assert [kept_graph("a", build), kept_graph("a", build)] == [b"graph", b"graph"]
    assert build.built == 2
    assert not list(folder.iterdir())


def test_a_folder_that_cannot_be_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))

    assert kept_graph("a", Builder()) == b"graph"


def test_a_link_in_its_place_is_not_followed(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)

    assert kept_graph("a", Builder()) == b"graph"
    assert not list(elsewhere.iterdir())


def test_the_oldest_make_room(folder: Path) -> None:
    for number in range(10):
        kept_graph(f"{number}", Builder(str(number).encode()))
        os.utime(folder / f"{number}.graph", (number, number))
    kept_graph("last", Builder())

    assert {file.stem for file in folder.glob("*.graph")} == {*map(str, range(3, 10)), "last"}
