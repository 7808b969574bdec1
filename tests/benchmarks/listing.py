"""`python -m tests.benchmarks.listing`: what a day without new images costs, for ever more images.

Nothing is fetched: the run is a listing, two joins, a MERGE of the deleted objects, and the final
checks. The listing comes from a bucket without bytes, through the job's own lister. Executors are
separate processes, so that the driver's heap is the driver's alone.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pyspark
from pyspark.sql import Column
from pyspark.sql import functions as F

from job import schemas
from job.cli.root import cli
from job.deploy.local.s3_server import s3a_settings
from job.runtime.session import spark_session
from tests.benchmarks.driver_memory import driver_memory
from tests.support.new_process import in_new_process
from tests.support.proxy import S3Proxy
from tests.support.synthetic_bucket import INPUT_PATH, SyntheticBucket

# In a thousand of those that are known.
GONE = 1
MASTER = "local-cluster[2,1,2048]"
EXAMPLES = Path(__file__).parents[2] / "examples" / "images"
_KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}


@dataclass(frozen=True)
class Day:
    """A run in which nothing was new: peaks of the driver in MiB, of its heap what was alive."""

    objects: int
    heap_mib: float
    python_mib: float
    seconds: dict[str, float]
    counts: dict[str, int]


def day(objects: int) -> Day:
    """Run the job on an output that knows all of the bucket's `objects`, and some more."""
    bucket = SyntheticBucket(objects)
    with (
        tempfile.TemporaryDirectory(prefix="image-features-listing-") as folder,
        S3Proxy("http://127.0.0.1:9") as s3,
    ):
        s3.hook = bucket.answer
        in_new_process(_make_known, bucket, f"{folder}/out")
        return in_new_process(_measure, bucket, f"{folder}/out", s3.endpoint)


def _make_known(bucket: SyntheticBucket, output: str) -> None:
    """An output of the job itself, on one image from elsewhere, with the bucket's rows added."""
    spark = spark_session("known", {"spark.sql.shuffle.partitions": "2"}, master="local[2]")
    one = next(next(EXAMPLES.iterdir()).iterdir())
    _job("featurize", "--input", str(one), "--output", output)
    number = F.col("id")
    rows = spark.range(bucket.objects * (1000 + GONE) // 1000).select(
        _path(number, bucket).alias(schemas.PATH),
        F.format_string("%04d", _folder(number, bucket)).alias(schemas.LABEL),
        (F.lit(4000) + number % 2000).alias(schemas.LENGTH),
        F.lower(F.lpad(F.hex(number), 32, "0")).alias(schemas.ETAG),
        F.lit("2026-01-02").cast("timestamp").alias(schemas.MODIFICATION_TIME),
        F.array(F.lit(0.5).cast("float")).alias(schemas.FEATURES),
        F.lit("earlier").alias(schemas.RUN_ID),
    )
    rows.write.format("delta").mode("append").save(f"{output}/features")
    spark.stop()


def _path(number: Column, bucket: SyntheticBucket) -> Column:
    return F.format_string(f"{INPUT_PATH}/%04d/%010d.jpg", _folder(number, bucket), number)


def _folder(number: Column, bucket: SyntheticBucket) -> Column:
    return F.floor(number / (bucket.objects // bucket.folders))


def _measure(bucket: SyntheticBucket, output: str, endpoint: str) -> Day:
    os.environ |= _KEYS | {"SPARK_HOME": str(Path(pyspark.__file__).parent)}
    settings = s3a_settings(endpoint) | {"spark.executor.memory": "2g"}
    spark = spark_session("day", settings, master=MASTER)
    with driver_memory(spark) as peaks:
        _job("featurize", "--input", INPUT_PATH, "--output", output, "--run-id", "day")
    spark.stop()
    summary: dict[str, Any] = json.loads(Path(f"{output}/runs/day.json").read_text())
    return Day(
        bucket.objects,
        max(peaks["heap"]),
        max(peaks["python"]),
        summary["seconds"],
        summary["counts"],
    )


def _job(*arguments: str) -> None:
    cli.main(list(arguments), standalone_mode=False)


@click.command(help=__doc__)
@click.argument("objects", nargs=-1, type=int)
def main(objects: Sequence[int]) -> None:
    """Print a line for each number of OBJECTS  [default: 100,000 and 10,000,000]."""
    click.echo("objects      heap MiB  Python MiB  seconds")
    for number in objects or (100_000, 10_000_000):
        started = time.perf_counter()
        of = day(number)
        seconds = ", ".join(f"{stage} {taken:.0f}" for stage, taken in of.seconds.items())
        click.echo(
            f"{number:<12,} {of.heap_mib:>8.0f} {of.python_mib:>11.0f}  {seconds}"
            f" (all {time.perf_counter() - started:.0f}); {of.counts}"
        )


if __name__ == "__main__":
    main()
