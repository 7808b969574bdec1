"""Images in the S3 of the cluster, a run on them, and what has become of each."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.conftest import noted
from tests.chaos.counts import Counts, Tables
from tests.e2e.cluster import OUTPUTS, ROOT, Cluster, now

COPIES = 5
PREFIX = "chaos"


@dataclass
class Scene:
    """One run, named after its test."""

    name: str
    cluster: Cluster
    began: str = field(default_factory=now)

    @property
    def output(self) -> str:
        return f"{OUTPUTS}/{self.name}"

    def apply(self, **values: Any) -> str:
        """Start a run in portions of 400 images; the application's name."""
        arguments = [
            "--input",
            f"s3a://images/{PREFIX}",
            "--output",
            f"s3a://results/{self.output}",
        ]
        arguments += ["--batch-images", "400", "--lease-seconds", "10"]
        return self.cluster.apply({"runId": self.name, "arguments": arguments, **values})

    def counts(self, folder: Path) -> Counts:
        """From the tables, and from the GETs of images that S3 has noted."""
        output = self.cluster.fetch("results", self.output, folder)
        gets = [
            request
            for request in self.cluster.s3_requests(self.began, now())
            if request.method == "GET" and request.path.startswith(f"/images/{PREFIX}/")
        ]
        return noted(self.name, listed(), Tables(str(output)).found(), len(gets))


def upload(cluster: Cluster) -> None:
    """The sample under five names, so that a run lasts for a minute."""
    for copy in range(COPIES):
        cluster.put("images", f"{PREFIX}/{copy}", ROOT / "examples" / "images")


def listed() -> set[str]:
    """The paths of all these images."""
    images = ROOT / "examples" / "images"
    return {
        f"s3a://images/{PREFIX}/{copy}/{path.relative_to(images).as_posix()}"
        for copy in range(COPIES)
        for path in images.rglob("*")
        if path.is_file()
    }


def spot_node(cluster: Cluster) -> str:
    """The node that executors run on."""
    (node,) = cluster.get("nodes", "-l", "capacity-type=spot")["items"]
    return str(node["metadata"]["name"])


@contextmanager
def killed(node: str) -> Iterator[None]:
    """The node without power; it comes back as the one that takes its place."""
    subprocess.run(["docker", "kill", node], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["docker", "start", node], check=True, capture_output=True)


@contextmanager
def drained(cluster: Cluster, node: str) -> Iterator[None]:
    """The node without pods, and without room for new ones."""
    cluster.kubectl(
        "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s"
    )
    try:
        yield
    finally:
        cluster.kubectl("uncordon", node)
