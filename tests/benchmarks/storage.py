"""Where a benchmark reads and writes: a local folder, a local S3 server, one that answers late."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from job.deploy.local.s3_server import LocalS3Server
from tests.support.proxy import S3Proxy

SOURCES = ("local", "s3", "s3+30ms")
BUCKET = "bench"
DELAY_SECONDS = 0.030


@dataclass(frozen=True)
class Storage:
    """Where one run reads and writes, and what serving it has cost so far.

    `requests` counts by kind those for input images, empty where nobody counts. `fetch` puts what
    was written into a local folder.
    """

    input_path: str
    output_path: str
    fetch: Callable[[Path], Path]
    endpoint: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    cpu_seconds: Callable[[], float] = lambda: 0.0
    requests: Callable[[], dict[str, int]] = dict


@contextmanager
def storage(source: str, folder: Path, work: Path) -> Iterator[Storage]:
    """The images of `folder` in storage of one of SOURCES, on a server of its own."""
    if source == "local":
        output = Path(tempfile.mkdtemp(dir=work))
        yield Storage(str(folder), str(output), lambda _: output)
        shutil.rmtree(output)
        return
    with LocalS3Server() as server:
        server.create_bucket(BUCKET)
        server.upload_folder(folder, BUCKET, "images")
        if source == "s3":
            yield _on_s3(server)
            return
        with S3Proxy(server.endpoint, delay_seconds=DELAY_SECONDS) as proxy:
            yield _on_s3(server, proxy)


def _on_s3(server: LocalS3Server, proxy: S3Proxy | None = None) -> Storage:
    endpoint = proxy.endpoint if proxy else server.endpoint

    def fetch(folder: Path) -> Path:
        server.download_folder(BUCKET, "output/", folder)
        return folder

    def requests() -> dict[str, int]:
        found = proxy.requests if proxy else []
        kinds = [each.kind for each in found if each.key.startswith("images/")]
        return {kind: kinds.count(kind) for kind in sorted(set(kinds))}

    return Storage(
        f"s3a://{BUCKET}/images",
        f"s3a://{BUCKET}/output",
        fetch,
        endpoint,
        {**server.spark_settings(), "spark.hadoop.fs.s3a.endpoint": endpoint},
        server.environment(os.environ),
        lambda: server.cpu_seconds + (proxy.cpu_seconds if proxy else 0.0),
        requests,
    )
