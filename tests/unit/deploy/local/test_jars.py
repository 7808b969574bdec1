"""Installing the jars: installed files and error messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from job.deploy.local import jars
from job.deploy.local.jars import JarsNotInstalledError, install_jars


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A jar folder with one jar that is not of our list."""
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / "spark-core.jar").write_bytes(b"Spark's own")
    return folder


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that the repository would give; a test may change them between two calls."""
    names = ["a-1.jar", "b-1.jar"]

    def download(target: Path, _pom: Path) -> list[Path]:
        for name in names:
            (target / name).write_bytes(name.encode())
        return [target / name for name in names]

    monkeypatch.setattr(jars, "_download", download)
    return names


def test_the_second_call_downloads_nothing(folder: Path, downloads: list[str]) -> None:
    assert install_jars(folder) == ["a-1.jar", "b-1.jar"]
    downloads.append("never fetched.jar")
    assert install_jars(folder) == []


def test_a_jar_that_was_deleted_comes_back(folder: Path, downloads: list[str]) -> None:
    install_jars(folder)
    (folder / "b-1.jar").unlink()
    install_jars(folder)
    assert (folder / "b-1.jar").read_bytes() == b"b-1.jar"


def test_a_new_list_replaces_the_jars_of_the_old_one_and_no_others(
    folder: Path, downloads: list[str], tmp_path: Path
) -> None:
    install_jars(folder)
    new_list = tmp_path / "pom.xml"
    new_list.write_text("another list")
    downloads[:] = ["a-2.jar"]

    install_jars(folder, new_list)
    assert sorted(jar.name for jar in folder.glob("*.jar")) == ["a-2.jar", "spark-core.jar"]
    assert json.loads((folder / jars.MARKER).read_text())["jars"] == ["a-2.jar"]


def test_without_java_the_line_says_which_to_install(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(JarsNotInstalledError, match=r"no java in JAVA_HOME.*Java 17 or 21"):
        install_jars(folder)
