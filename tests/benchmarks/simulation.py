"""`make bench-simulation`: ten million images; real are their listing, their rows and the commits.

The objects are numbers that a proxy makes pages of, the network sleeps (see simulating_daemon), a
row has four features. Spark's scheduling, the tables and each of their requests are the job's own,
on a local S3 server; executors are processes of their own, so that the driver's heap is its alone.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pyspark
from delta.tables import DeltaTable

from job.analysis.cost.prices import EXAMPLE, read_prices
from job.cli.root import cli
from job.deploy.local.s3_server import LocalS3Server, s3a_settings
from job.layout import Layout
from job.runtime import filesystem
from job.runtime.session import spark_session
from tests.benchmarks.driver_memory import driver_memory
from tests.benchmarks.event_log import LOG_SETTINGS
from tests.support import simulating_daemon
from tests.support.new_process import in_new_process
from tests.support.proxy import Fault, Request, S3Proxy
from tests.support.synthetic_bucket import INPUT_PATH, SyntheticBucket

OUTPUT_BUCKET = "simulation"
OUTPUT_PATH = f"s3a://{OUTPUT_BUCKET}/output"
MASTER = "local-cluster[2,{},3072]"
MILLION = 1_000_000
# What S3 sells as PUT; all else is sold as GET, DELETE is free.
SOLD_AS_PUT = ("PUT", "POST", "COPY", "LIST")
FREE = ("DELETE",)


@dataclass(frozen=True)
class Simulated:
    """What the run left to count: peaks in MiB, of the heap what was alive."""

    heap_mib: float
    python_mib: float
    tasks: int
    files: int
    summary: dict[str, Any]


@click.command(help=__doc__)
@click.option("--images", default=10 * MILLION, show_default=True, help="How many.")
@click.option("--slots", default=8, show_default=True, help="Tasks at a time, in two executors.")
@click.option(
    "--milliseconds",
    default=1.0,
    show_default=True,
    help="What an image sleeps: a real one takes 12 of CPU.",
)
def main(images: int, slots: int, milliseconds: float) -> None:
    """Print what the driver needed, what was made, and what its requests cost."""
    bucket = SyntheticBucket(images)
    with (
        tempfile.TemporaryDirectory(prefix="image-features-simulation-") as folder,
        LocalS3Server(Path(folder) / "s3") as server,
        S3Proxy(server.endpoint) as proxy,
    ):
        server.create_bucket(OUTPUT_BUCKET)

        def hook(request: Request) -> Fault | None:
            return None if request.bucket == OUTPUT_BUCKET else bucket.answer(request)

        proxy.hook = hook
        variables = server.environment() | {
            simulating_daemon.SECONDS: str(milliseconds / 1000),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "SPARK_HOME": str(Path(pyspark.__file__).parent),
        }
        logs = Path(folder) / "logs"
        logs.mkdir()
        found = in_new_process(_simulate, proxy.endpoint, variables, slots, logs)
        _say(found, images, Counter(request.kind for request in proxy.requests))


def _simulate(endpoint: str, variables: dict[str, str], slots: int, logs: Path) -> Simulated:
    os.environ |= variables
    settings = (
        s3a_settings(endpoint)
        | LOG_SETTINGS
        | {
            "spark.eventLog.dir": logs.as_uri(),
            "spark.python.daemon.module": simulating_daemon.MODULE,
            "spark.executor.memory": "3g",
        }
    )
    spark = spark_session("simulation", settings, master=MASTER.format(slots // 2))
    with driver_memory(spark, every_seconds=2.0) as samples:
        command = ["featurize", "--input", INPUT_PATH, "--output", OUTPUT_PATH]
        cli.main([*command, "--run-id", "simulation"], standalone_mode=False)
    layout = Layout(OUTPUT_PATH)
    table = DeltaTable.forPath(spark, layout.features).detail()
    count = table.select("numFiles").collect()[0][0]
    summary = json.loads(filesystem.read_bytes(spark, layout.summary("simulation")))
    spark.stop()
    tasks = _tasks(logs)
    return Simulated(max(samples["heap"]), max(samples["python"]), tasks, count, summary)


def _tasks(logs: Path) -> int:
    """All tasks of the run, by its event log."""
    (log,) = logs.iterdir()
    with log.open() as lines:
        return sum('"Event":"SparkListenerTaskEnd"' in line for line in lines)


def _say(found: Simulated, images: int, requests: Counter[str]) -> None:
    stages = found.summary["seconds"]
    click.echo(f"counts: {found.summary['counts']}")
    click.echo(f"seconds: {', '.join(f'{name} {taken:.0f}' for name, taken in stages.items())}")
    click.echo(f"driver: heap {found.heap_mib:.0f} MiB, Python {found.python_mib:.0f} MiB")
    click.echo(f"tasks: {found.tasks:,}; files of the features table: {found.files:,}")
    a_million = {kind: count / images * MILLION for kind, count in sorted(requests.items())}
    requests_text = ", ".join(f"{kind} {count:,.0f}" for kind, count in a_million.items())
    prices = read_prices(EXAMPLE)
    cost = request_price(a_million, prices.s3_put_per_1000.amount, prices.s3_get_per_1000.amount)
    images_cost = MILLION / 1000 * prices.s3_get_per_1000.amount
    click.echo(
        f"requests for a million images, but for a GET each: {requests_text}: "
        f"{cost:.2f} {prices.currency}; the GETs {images_cost:.2f}"
    )


def request_price(requests: dict[str, float], put_per_1000: float, get_per_1000: float) -> float:
    """What S3 takes for so many requests by kind."""
    thousands = {kind: count / 1000 for kind, count in requests.items() if kind not in FREE}
    return sum(
        count * (put_per_1000 if kind in SOLD_AS_PUT else get_per_1000)
        for kind, count in thousands.items()
    )


if __name__ == "__main__":
    main()
