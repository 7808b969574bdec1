"""Fixtures of all tests: one Spark session, one S3 server, a bucket per test, the sample images."""

from __future__ import annotations

import os
import re
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from job.deploy.local.s3_server import LocalS3Server, s3a_settings
from tests.support.helm import start_installation
from tests.support.proxy import S3Proxy

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Processes that a shell starts in the background ignore Ctrl-C, and so do their children: a test
# that sends SIGINT would wait without end.
signal.signal(signal.SIGINT, signal.default_int_handler)

# With these settings ten small jobs take 4.5 s instead of 7 s.
SPARK_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
}


# Files that run whole commands start first, so that test processes end at about the same time.
LONGEST = (
    "test_wrong_use.py",
    "test_run.py",
    "test_rules.py",
    "test_every_day.py",
    "test_upgrading.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order: unit tests, the longest integration tests, the others, and last the tests with helm.

    A new machine builds helm in the background, which takes at least five minutes.
    """
    for_helm = {item.path for item in items if "helm" in getattr(item, "fixturenames", ())}
    if for_helm:
        start_installation()

    def order(item: pytest.Item) -> tuple[bool, bool, bool]:
        integration = "integration" in item.path.parts
        return item.path in for_helm, integration, item.path.name not in LONGEST

    items.sort(key=order)


@pytest.fixture(scope="session")
def sample_images() -> Path:
    """The folder of the sample images: 12 varieties with 20 images each, one folder per variety."""
    return Path(__file__).parents[1] / "examples" / "images"


@pytest.fixture
def stopped_leases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stops the renewals of all leases of a test at its end; their threads would go on."""
    from job.output.lease import Lease

    leases: list[Lease] = []
    start = Lease.start_renewals

    def start_and_register(lease: Lease) -> None:
        leases.append(lease)
        start(lease)

    monkeypatch.setattr(Lease, "start_renewals", start_and_register)
    yield
    for lease in leases:
        lease._stopped.set()


@pytest.fixture(scope="session")
def s3() -> Iterator[LocalS3Server]:
    """A running S3 server; its keys are in the environment."""
    before = dict(os.environ)
    with LocalS3Server() as server:
        _replace_environment(server.environment())
        yield server
    _replace_environment(before)


@pytest.fixture
def bucket(request: pytest.FixtureRequest, s3: LocalS3Server) -> str:
    """The name of an empty bucket for one test."""
    return _new_bucket(s3, request.node.name)


@pytest.fixture(scope="module")
def module_bucket(request: pytest.FixtureRequest, s3: LocalS3Server) -> str:
    """The name of a bucket that the tests of a module share."""
    return _new_bucket(s3, Path(request.node.name).stem)


@pytest.fixture(scope="session")
def proxy(s3: LocalS3Server) -> Iterator[S3Proxy]:
    """The proxy between Spark and the S3 server, which counts requests and injects faults."""
    with S3Proxy(s3.endpoint) as running:
        yield running


@pytest.fixture(scope="session")
def spark(s3: LocalS3Server, proxy: S3Proxy) -> Iterator[SparkSession]:
    """The Spark session of all tests, with two threads and with s3a on the local server."""
    # A late import: unit tests need no JVM, and should not wait for PySpark.
    from job.runtime.session import spark_session

    session = spark_session(
        "tests",
        SPARK_SETTINGS | s3a_settings(proxy.endpoint),
        master="local[2]",
    )
    yield session
    session.stop()


def _new_bucket(s3: LocalS3Server, test_name: str) -> str:
    readable = re.sub(r"[^a-z0-9]+", "-", test_name.lower())[:40].strip("-")
    name = f"{readable}-{secrets.token_hex(4)}"
    s3.create_bucket(name)
    return name


def _replace_environment(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
