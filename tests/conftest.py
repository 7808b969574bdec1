"""Fixtures of all tests: one Spark, one S3 server, a bucket of one's own, the sample images."""

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
from tests.support.helm import begin_installing
from tests.support.proxy import S3Proxy

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# A shell that starts tests in the background ignores Ctrl-C for them, and for all that they start:
# a test that sends it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Small and quiet: ten small jobs take 4.5 s instead of 7.
SPARK_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
}


# Those that run whole commands: begun first, no process waits for one at the end.
LONGEST = (
    "test_wrong_use.py",
    "test_run.py",
    "test_rules.py",
    "test_every_day.py",
    "test_upgrading.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests, the longest files of the integration tests, the others, and who needs helm.

    On a new machine helm is made meanwhile: five minutes, if it is made alone.
    """
    for_helm = {item.path for item in items if "helm" in getattr(item, "fixturenames", ())}
    if for_helm:
        begin_installing()

    def order(item: pytest.Item) -> tuple[bool, bool, bool]:
        integration = "integration" in item.path.parts
        return item.path in for_helm, integration, item.path.name not in LONGEST

    items.sort(key=order)


@pytest.fixture(scope="session")
def sample_images() -> Path:
    """The folder of the sample: 12 varieties, 20 images each, in folders by variety."""
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
    """A running S3 server, its keys in the environment."""
    before = dict(os.environ)
    with LocalS3Server() as server:
        _replace_environment(server.environment())
        yield server
    _replace_environment(before)


@pytest.fixture
def bucket(request: pytest.FixtureRequest, s3: LocalS3Server) -> str:
    """The name of an empty bucket of the test's own."""
    return _new_bucket(s3, request.node.name)


@pytest.fixture(scope="module")
def module_bucket(request: pytest.FixtureRequest, s3: LocalS3Server) -> str:
    """The name of a bucket that the tests of a module share."""
    return _new_bucket(s3, Path(request.node.name).stem)


@pytest.fixture(scope="session")
def proxy(s3: LocalS3Server) -> Iterator[S3Proxy]:
    """What Spark and its workers reach the server through: counts requests, makes faults."""
    with S3Proxy(s3.endpoint) as between:
        yield between


@pytest.fixture(scope="session")
def spark(s3: LocalS3Server, proxy: S3Proxy) -> Iterator[SparkSession]:
    """The one Spark of all tests, on two threads, its s3a on the local server."""
    # Imported here: unit tests have neither a JVM nor the seconds that pyspark takes.
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
