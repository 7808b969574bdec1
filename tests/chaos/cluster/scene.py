"""Images in the S3 of the cluster, a run on them, and the counts of the images."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.conftest import record_counts
from tests.chaos.counts import Counts, Tables
from tests.e2e.cluster import OUTPUTS, ROOT, Cluster, now

COPIES = 5
PREFIX = "chaos"


@dataclass
class Scene:
    """One run, named after its test."""

    name: str
    cluster: Cluster
    started: str = field(default_factory=now)

    @property
    def output(self) -> str:
        return f"{OUTPUTS}/{self.name}"

    def apply(self, **values: Any) -> str:
        """Start a run with batches of 400 images; returns the name of the application."""
        arguments = [
            "--input",
            f"s3a://images/{PREFIX}",
            "--output",
            f"s3a://results/{self.output}",
        ]
        arguments += ["--batch-images", "400", "--lease-seconds", "10"]
        return self.cluster.apply({"runId": self.name, "arguments": arguments, **values})

    def counts(self, folder: Path) -> Counts:
        """The counts from the tables, and from the GETs of images in the log of S3."""
        output = self.cluster.fetch("results", self.output, folder)
        gets = [
            request
            for request in self.cluster.s3_requests(self.started, now())
            if request.method == "GET" and request.path.startswith(f"/images/{PREFIX}/")
        ]
        return record_counts(self.name, listed(), Tables(str(output)).read(), len(gets))


def upload(cluster: Cluster) -> None:
    """Upload the sample five times, so that a run takes a minute."""
    for copy in range(COPIES):
        cluster.put("images", f"{PREFIX}/{copy}", ROOT / "examples" / "images")


def listed() -> set[str]:
    """The paths of all uploaded images."""
    images = ROOT / "examples" / "images"
    return {
        f"s3a://images/{PREFIX}/{copy}/{path.relative_to(images).as_posix()}"
        for copy in range(COPIES)
        for path in images.rglob("*")
        if path.is_file()
    }


def spot_node(cluster: Cluster) -> str:
    """The name of the node of the executors."""
    (node,) = cluster.get("nodes", "-l", "capacity-type=spot")["items"]
    return str(node["metadata"]["name"])


@contextmanager
def killed(node: str) -> Iterator[None]:
    """Kill the node; start it again, as its replacement, when the block ends."""
    subprocess.run(["docker", "kill", node], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["docker", "start", node], check=True, capture_output=True)


@contextmanager
def drained(cluster: Cluster, node: str) -> Iterator[None]:
    """Drain the node; let it take pods again when the block ends."""
    cluster.kubectl(
        "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s"
    )
    try:
        yield
    finally:
        cluster.kubectl("uncordon", node)
