"""`python -m tests.benchmarks.day`: a large bucket once, and the day after.

The sample images under ever other names; then one in a hundred is new, one in a thousand changed
and one in a thousand deleted. For both runs: seconds, requests, images through the network, memory.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from job.deploy.local.s3_server import LocalS3Server, s3a_settings
from tests.benchmarks.measured import Measured, measure
from tests.benchmarks.sample import Sample
from tests.support.proxy import S3Proxy

BUCKET, PREFIX, OUTPUT = "day", "images", "out"
NEW, CHANGED, DELETED = 100, 1000, 1000
_UPLOADS = 8


@click.command(help=__doc__)
@click.option("--objects", default=90_000, show_default=True)
def main(objects: int) -> None:
    """Print a table of both runs."""
    sample = Sample.of_examples()
    with (
        tempfile.TemporaryDirectory(prefix="image-features-day-") as folder,
        LocalS3Server(Path(folder)) as server,
        S3Proxy(server.endpoint) as proxy,
    ):
        server.create_bucket(BUCKET)
        _upload(server, sample, range(objects))
        first = _run(server, proxy, "first")
        _a_day(server, sample, objects)
        second = _run(server, proxy, "second")
    for name, lines in (("the whole bucket", first), ("the day after", second)):
        click.echo(f"{name}:")
        for line in lines:
            click.echo(f"  {line}")


def _upload(server: LocalS3Server, sample: Sample, numbers: range, shift: int = 0) -> None:
    client = server.client()

    def put(number: int) -> None:
        content = sample.content(number, shift)
        client.put_object(Bucket=BUCKET, Key=_key(sample, number), Body=content)

    with ThreadPoolExecutor(_UPLOADS) as pool:
        list(pool.map(put, numbers))


def _key(sample: Sample, number: int) -> str:
    return f"{PREFIX}/{sample.name(number)}"


def _a_day(server: LocalS3Server, sample: Sample, objects: int) -> None:
    _upload(server, sample, range(objects, objects + objects // NEW))
    # Neighbours in the sample are other images of the same variety.
    _upload(server, sample, range(0, objects, CHANGED), shift=1)
    client = server.client()
    for number in range(500, objects, DELETED):
        client.delete_object(Bucket=BUCKET, Key=_key(sample, number))


def _run(server: LocalS3Server, proxy: S3Proxy, run_id: str) -> list[str]:
    """Run the job as a person would, and tell what it took."""
    before = len(proxy.requests)
    conf = [f"--conf={key}={value}" for key, value in s3a_settings(proxy.endpoint).items()]
    paths = ["--input", f"s3a://{BUCKET}/{PREFIX}", "--output", f"s3a://{BUCKET}/{OUTPUT}"]
    command = [sys.executable, "-m", "job", "run", *paths, "--run-id", run_id, *conf]
    measured = measure(command, server.environment(os.environ))
    answer = server.client().get_object(Bucket=BUCKET, Key=f"{OUTPUT}/runs/{run_id}.json")
    requests = itertools.islice(proxy.requests, before, None)
    counted = Counter((request.key.startswith(f"{PREFIX}/"), request.kind) for request in requests)
    return list(_told(measured, json.loads(answer["Body"].read()), counted))


def _told(
    measured: Measured, summary: dict[str, Any], requests: Counter[tuple[bool, str]]
) -> Iterator[str]:
    yield f"{measured.seconds:.0f} s in all: " + _pairs(
        {stage: f"{seconds:.0f}" for stage, seconds in summary["seconds"].items()}
    )
    yield _pairs({name: f"{count:,}" for name, count in summary["counts"].items()})
    for of_images, what in ((True, "images"), (False, "listings and the output")):
        found = {kind: f"{n:,}" for (where, kind), n in requests.items() if where == of_images}
        yield f"requests for {what}: {_pairs(found)}"
    yield _pairs({f"peak of {kind}": f"{mib:.0f} MiB" for kind, mib in measured.peak_mib.items()})


def _pairs(found: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())


if __name__ == "__main__":
    main()
