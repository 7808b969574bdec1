"""The Python of Spark 4.0."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.job_process import CHECKOUT
from tests.support.releases import Release

OPTION = "--python-of-spark-4.0"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, required=True, help="the interpreter of a venv with Spark 4.0")


@pytest.fixture(scope="session")
def on_spark_4_0(pytestconfig: pytest.Config) -> Release:
    """The job of this checkout on Spark 4.0."""
    python = Path(pytestconfig.getoption(OPTION)).absolute()
    return Release(CHECKOUT, python=str(python))
