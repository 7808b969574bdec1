"""The bucket of a scenario, and the counts of all scenarios in the summary."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from job.deploy.local.s3_server import LocalS3Server, s3a_settings
from tests.chaos.counts import Counts, TableContent, Tables, counts
from tests.support.proxy import S3Proxy

# The seed of all faults and their times; CHAOS_SEED selects others. Processes still vary in speed.
SEED = int(os.environ.get("CHAOS_SEED", "1"))
_lines: list[str] = []


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """A random generator with a seed for each scenario."""
    return random.Random(f"{SEED} {request.node.name}")


@dataclass(frozen=True)
class Scene:
    """Images and an output in a bucket behind a proxy, and the command line for them."""

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
        """The counts from the tables and the GETs of images; recorded for the summary."""
        options = {
            "AWS_ENDPOINT_URL": self.server.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": self.server.access_key,
            "AWS_SECRET_ACCESS_KEY": self.server.secret_key,
            "AWS_REGION": "us-east-1",
        }
        content = Tables(self.output, options).read()
        return record_counts(self.name, self.images, content, self.proxy.count("GET", "images/"))


def record_counts(name: str, listed: set[str], content: TableContent, gets: int) -> Counts:
    """The counts of a scenario; recorded for the summary."""
    result = counts(listed, content, gets)
    _lines.append(f"{name}: {result}")
    return result


@pytest.fixture
def make_scene(
    request: pytest.FixtureRequest, s3: LocalS3Server, bucket: str, sample_images: Path
) -> Iterator[Callable[..., Scene]]:
    """Creates the scene of a test with `varieties` folders of images, in `copies` copies."""
    with S3Proxy(s3.endpoint) as proxy:

        def make(varieties: int = 12, copies: int = 1) -> Scene:
            keys = set()
            folders = sorted(sample_images.iterdir())[:varieties]
            for copy, variety in product(range(copies), folders):
                folder = f"images/{copy}/{variety.name}"
                s3.upload_folder(variety, bucket, folder)
                keys |= {f"s3a://{bucket}/{folder}/{image.name}" for image in variety.iterdir()}
            return Scene(request.node.name, s3, proxy, bucket, keys)

        yield make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section(f"images of each scenario (CHAOS_SEED={SEED})")
    for line in _lines:
        terminalreporter.line(line)
