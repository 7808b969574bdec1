"""Workers find pyspark where it is installed, not in the archives that Spark adds to their path."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

PRINT = (
    "import sys; from job.runtime.worker_daemon import prefer_installed_pyspark;"
    "prefer_installed_pyspark();"
    "import importlib.util; print(importlib.util.find_spec('pyspark').origin);"
    "print(*sys.path, sep='\\n')"
)


def archive(folder: Path) -> Path:
    path = folder / "pyspark.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("pyspark/__init__.py", "")
    return path


def paths(*arguments: str, first: Path) -> list[str]:
    """Where pyspark is found, and the path of modules, with `first` in front of it."""
    answer = subprocess.run(
        [
            sys.executable,
            *arguments,
            "-c",
            f"import sys; sys.path[:1] = [{str(first)!r}, '']; {PRINT}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.splitlines()


def test_the_installed_pyspark_comes_before_an_archive(tmp_path: Path) -> None:
    zipped = archive(tmp_path)
    origin, *path = paths(first=zipped)
    assert "site-packages" in origin
    assert str(zipped) not in path


def test_without_an_installed_pyspark_the_archive_stays(tmp_path: Path) -> None:
    zipped = archive(tmp_path)
    # -S: no site-packages.
    origin, *path = paths("-S", first=zipped)
    assert origin.startswith(str(zipped))
    assert str(zipped) in path
