"""How many images a task gets: large tasks first, small ones last, so that no core waits long."""

from __future__ import annotations

import json
import math
from itertools import accumulate

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas

# Little is lost with a task, and it is long beside what waits for the storage: a dozen requests of
# its own commit, and seven for whoever reads its file, one after the other.
SECONDS_PER_TASK = 20.0
# That of MobileNetV2 on one core: of a portion before which no speed is known.
IMAGES_PER_TASK = 1024
# The last tasks are an eighth of a large one: two seconds or so, which a core waits for the others.
_LAST_PARTS = 8
# Starting a task and its commit cost as much as a few images of a fast network.
LEAST_IMAGES_PER_TASK = 32
_LEAST_BUCKETS = 4096
_KEY = "task_key"


def images_per_task(slots: int, per_second: float | None) -> int:
    """Those of a large task, where `slots` cores make `per_second` in all; None: not known yet."""
    if per_second is None:
        return IMAGES_PER_TASK
    return max(1, round(SECONDS_PER_TASK * per_second / slots))


def task_sizes(images: int, slots: int, most: int = IMAGES_PER_TASK) -> list[int]:
    """Images of each task, in the order of their start, for `slots` cores; at most about `most`.

    Each takes its share of half of what is left: guided self-scheduling (Polychronopoulos and Kuck,
    1987) with twice the cores.
    """
    last = -(-most // _LAST_PARTS)
    least = max(min(LEAST_IMAGES_PER_TASK, last), min(last, -(-images // slots)))
    sizes: list[int] = []
    left = images
    while left > 0:
        share = min(most, -(-left // (2 * slots)))
        size = min(left, max(least, share))
        # Of a few images no task is made.
        size = left if left - size < least // 2 else size
        sizes.append(size)
        left -= size
    return sizes or [0]


def task_count(images: int, slots: int) -> int:
    """Tasks of the same size for `images` on `slots` cores: whole waves, none of them tiny."""
    tasks = -(-images // IMAGES_PER_TASK)
    if tasks > slots:
        return -(-tasks // slots) * slots
    return max(1, min(slots, images // LEAST_IMAGES_PER_TASK))


def in_tasks(work: DataFrame, sizes: list[int]) -> DataFrame:
    """The rows of `work` (with a path) in partitions of about these sizes, in this order.

    Which row goes where depends on its path alone: a stage that is run again gives the same.
    """
    keys = _keys(work.sparkSession, len(sizes))
    buckets = max(_LEAST_BUCKETS, 16 * len(sizes))
    by_bucket = json.dumps([keys[task] for task in _tasks_of_buckets(sizes, buckets)])
    bucket = F.pmod(F.xxhash64(schemas.PATH, F.lit("task")), F.lit(buckets)).cast("int")
    key = F.from_json(F.lit(by_bucket), "array<int>")[bucket]
    return work.withColumn(_KEY, key).repartition(len(sizes), _KEY).drop(_KEY)


def _tasks_of_buckets(sizes: list[int], buckets: int) -> list[int]:
    """The number of the task that each bucket belongs to, in shares by size."""
    ends = [round(end * buckets / sum(sizes)) for end in accumulate(sizes)] if sum(sizes) else []
    starts = [0, *ends]
    return [task for task, end in enumerate(ends) for _ in range(starts[task], end)] or [
        0
    ] * buckets


def _keys(spark: SparkSession, partitions: int) -> list[int]:
    """For each partition a number that Spark's hash partitioning puts there."""
    # The chance that one of them is missing among so many is below one in a million: exp(-14).
    count = math.ceil(partitions * (14 + math.log(partitions)))
    numbers = pa.table({"number": pa.array(range(count), pa.int32())})
    # Of so few rows in the driver Spark makes no job.
    found = spark.createDataFrame(numbers).select(
        "number", F.pmod(F.hash("number"), F.lit(partitions)).alias("partition")
    )
    by_partition = {row["partition"]: row["number"] for row in found.collect()}
    return [by_partition[partition] for partition in range(partitions)]
