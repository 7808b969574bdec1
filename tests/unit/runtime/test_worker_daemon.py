"""Workers import the installed PySpark, not the archives that Spark adds to sys.path."""

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


def make_archive(folder: Path) -> Path:
    path = folder / "pyspark.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("pyspark/__init__.py", "")
    return path


def pyspark_origin_and_path(*arguments: str, first: Path) -> list[str]:
    """The file of pyspark, then sys.path, in a Python whose sys.path starts with `first`."""
    process = subprocess.run(
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
    return process.stdout.splitlines()


def test_the_installed_pyspark_comes_before_an_archive(tmp_path: Path) -> None:
    archive = make_archive(tmp_path)
    origin, *path = pyspark_origin_and_path(first=archive)
    assert "site-packages" in origin
    assert str(archive) not in path


def test_without_an_installed_pyspark_the_archive_stays(tmp_path: Path) -> None:
    archive = make_archive(tmp_path)
    # -S: no site-packages.
    origin, *path = pyspark_origin_and_path("-S", first=archive)
    assert origin.startswith(str(archive))
    assert str(archive) in path
