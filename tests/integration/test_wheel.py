"""The wheel brings along what the job needs beside its code."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PRINT_RESOURCES = """
from job.resources import chart, jar_list, spark_base_settings, weights_folder
print(jar_list(), spark_base_settings(), chart() / "Chart.yaml", *weights_folder().glob("*.h5"))
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the contents of the wheel of this checkout."""
    dist = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True)
    folder = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(next(dist.glob("*.whl"))).extractall(folder)
    return folder


def python(unpacked: Path, folder: Path, *arguments: str) -> str:
    """What Python prints outside the checkout, the wheel's contents first on its path."""
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-P", *arguments]
    result = subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return result.stdout


def test_its_data_files_are_in_it(unpacked: Path, tmp_path: Path) -> None:
    paths = [Path(each) for each in python(unpacked, tmp_path, "-c", PRINT_RESOURCES).split()]
    assert len(paths) >= 4
    assert all(path.is_file() and path.is_relative_to(unpacked) for path in paths)


def test_its_command_line_starts_outside_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    assert "featurize" in python(unpacked, tmp_path, "-m", "job", "--help")
