"""`python -m tests.benchmarks.ratios`: the ratios that must not be lost, in one run.

Three times `featurize` on S3 that gives images 100 ms late, and `fit`, with one Spark: its first
images, then few and many with all that is started by then, whose difference is the time of an image
more.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click
import numpy as np

from job.deploy.local.s3_server import LocalS3Server, s3a_settings
from tests.benchmarks.limits import limits
from tests.benchmarks.sample import Sample
from tests.benchmarks.storage import BUCKET
from tests.support import counting_daemon
from tests.support.new_process import in_new_process
from tests.support.proxy import Request, S3Proxy, Stall

SLOTS = 2
FIRST, FEW, MANY = 32, 240, 2240
# So late that who asks for one image after the other gets a tenth of what cores can do; who asks
# for many at once, as the job does, does not see it.
DELAY_SECONDS = 0.1
_LIMIT_SECONDS = 3.0


@dataclass(frozen=True)
class Ratios:
    """`rate`: images/s of the job by those of decode + resize + forward alone.

    `start_up`: seconds to the first features by those of Spark with a first Python worker.
    `requests`: GETs an image. `forwards`: images through the network an image. `builds`: networks
    a worker process. `fit`: seconds of the stage by those of its arithmetic in numpy.
    """

    rate: float
    start_up: float
    requests: float
    forwards: float
    builds: float
    fit: float


@dataclass(frozen=True)
class _Times:
    """Seconds of each step in the job's process."""

    spark: float
    first: float
    few: float
    many: float
    fit: float
    arithmetic: float


def ratios(slowed: str = "") -> Ratios:
    """Measure all of them; `slowed` makes one of counting_daemon's mistakes."""
    sample = Sample.of_examples()
    with (
        tempfile.TemporaryDirectory(prefix="image-features-ratios-") as folder,
        LocalS3Server() as server,
        S3Proxy(server.endpoint) as proxy,
    ):
        proxy.hook = _late
        server.create_bucket(BUCKET)
        for count in (FIRST, FEW, MANY):
            images = sample.write(Path(folder) / str(count), count)
            server.upload_folder(images, BUCKET, f"images-{count}")
        counted = Path(folder) / "counted"
        counted.mkdir()
        variables = server.environment() | counting_daemon.environment(counted, slowed)
        before = limits(sample.files, SLOTS, _LIMIT_SECONDS)
        times = in_new_process(_job_times, proxy.endpoint, variables)
        limit = before.mean(limits(sample.files, SLOTS, _LIMIT_SECONDS)).decode_and_forward
        forwards, built = counting_daemon.counts(counted)
        requests = proxy.count("GET", "images-")
    click.echo(f"{times}, {limit:.0f} images/s at most")
    images_in_all = FIRST + FEW + MANY
    return Ratios(
        rate=(MANY - FEW) / (times.many - times.few) / limit,
        start_up=(times.spark + times.first) / times.spark,
        requests=requests / images_in_all,
        forwards=forwards / images_in_all,
        builds=sum(built.values()) / len(built),
        fit=times.fit / times.arithmetic,
    )


def _late(request: Request) -> Stall | None:
    """Images alone: what tables cost is no matter of how images are asked for."""
    image = request.kind == "GET" and request.key.startswith("images-")
    return Stall(DELAY_SECONDS) if image else None


def _job_times(endpoint: str, variables: dict[str, str]) -> _Times:
    os.environ |= variables
    from job.cli.root import cli
    from job.runtime.session import spark_session

    def job(*arguments: str) -> None:
        cli.main(list(arguments), standalone_mode=False)

    def featurize(count: int) -> float:
        paths = ["--input", f"s3a://{BUCKET}/images-{count}", "--output", _output(count)]
        return _seconds(lambda: job("featurize", *paths))

    def start() -> Any:
        daemon = {"spark.python.daemon.module": counting_daemon.MODULE}
        settings = s3a_settings(endpoint) | daemon
        started = spark_session("ratios", settings, master=f"local[{SLOTS}]")
        started.range(SLOTS).mapInArrow(lambda batches: batches, "id long").count()
        return started

    spark = _seconds(start)
    first, few, many = (featurize(count) for count in (FIRST, FEW, MANY))
    arithmetic = _seconds(_arithmetic)
    job("fit", "--output", _output(MANY), "--run-id", "fit")
    arithmetic = (arithmetic + _seconds(_arithmetic)) / 2
    session = spark_session("ratios")
    fitted = _summary(session, f"{_output(MANY)}/runs/fit.json")["seconds"]["fit"]
    session.stop()
    return _Times(spark, first, few, many, fitted, arithmetic)


def _output(count: int) -> str:
    return f"s3a://{BUCKET}/output-{count}"


def _summary(session: Any, path: str) -> dict[str, Any]:
    from job.runtime import filesystem

    found: dict[str, Any] = json.loads(filesystem.read_bytes(session, path))
    return found


def _arithmetic() -> None:
    """What a fit of that many rows has to compute, whoever does it."""
    rows = np.random.default_rng(0).normal(size=(MANY, 1280))
    np.linalg.eigh(rows.T @ rows)


def _seconds(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


@click.command(help=__doc__)
@click.option("--slowed", type=click.Choice(list(counting_daemon.SLOWED)), default="")
def main(slowed: str) -> None:
    """Print each ratio."""
    found = ratios(slowed)
    for field in fields(found):
        click.echo(f"{field.name:10} {getattr(found, field.name):6.2f}")


if __name__ == "__main__":
    main()
