"""The bucket that faults happen to; the counts of each scenario, shown at the end."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from job.deploy.local.s3_server import LocalS3Server, s3a_settings
from tests.chaos.counts import Counts, Found, Tables, counts
from tests.support.proxy import S3Proxy

# The same faults at the same moments, as far as processes allow: CHAOS_SEED=... for others.
SEED = int(os.environ.get("CHAOS_SEED", "1"))
_lines: list[str] = []


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Seeded, and other for each scenario."""
    return random.Random(f"{SEED} {request.node.name}")


@dataclass(frozen=True)
class Scene:
    """Images in a bucket behind a proxy, an output beside them, and the command line for both."""

    name: str
    server: LocalS3Server
    proxy: S3Proxy
    bucket: str
    images: set[str]

    @property
    def output(self) -> str:
        return f"s3a://{self.bucket}/out"

    def arguments(self, command: str, *more: str) -> list[str]:
        paths = ["--input", f"s3a://{self.bucket}/images", "--output", self.output]
        settings = s3a_settings(self.proxy.endpoint)
        conf = [f"--conf={key}={value}" for key, value in settings.items()]
        return [command, *paths, "--lease-seconds", "4", *conf, *more]

    def counts(self) -> Counts:
        """What is in the tables, and how often images were fetched; noted for the end."""
        options = {
            "AWS_ENDPOINT_URL": self.server.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": self.server.access_key,
            "AWS_SECRET_ACCESS_KEY": self.server.secret_key,
            "AWS_REGION": "us-east-1",
        }
        found = Tables(self.output, options).found()
        return noted(self.name, self.images, found, self.proxy.count("GET", "images/"))


def noted(name: str, listed: set[str], found: Found, gets: int) -> Counts:
    """The counts of a scenario, shown at the end."""
    of_scenario = counts(listed, found, gets)
    _lines.append(f"{name}: {of_scenario}")
    return of_scenario


@pytest.fixture
def scene(
    request: pytest.FixtureRequest, s3: LocalS3Server, bucket: str, sample_images: Path
) -> Iterator[Callable[..., Scene]]:
    """Makes the scene of a test, with the images of so many varieties, under so many names."""
    with S3Proxy(s3.endpoint) as proxy:

        def make(varieties: int = 12, copies: int = 1) -> Scene:
            keys = set()
            of_interest = sorted(sample_images.iterdir())[:varieties]
            for copy, variety in product(range(copies), of_interest):
                folder = f"images/{copy}/{variety.name}"
                s3.upload_folder(variety, bucket, folder)
                keys |= {f"s3a://{bucket}/{folder}/{image.name}" for image in variety.iterdir()}
            return Scene(request.node.name, s3, proxy, bucket, keys)

        yield make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section(f"images of each scenario (CHAOS_SEED={SEED})")
    for line in _lines:
        terminalreporter.line(line)
