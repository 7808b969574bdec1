"""How many images a task gets: large tasks first, small ones last, so that no core waits long."""

from __future__ import annotations

import json
from itertools import accumulate

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas

# Ten seconds of work: little is lost with a task, and the dozen requests that its commit makes, one
# after the other, are a small part of it.
IMAGES_PER_TASK = 1024
# At the end, a second of work: what a core waits for the others at most.
IMAGES_PER_LAST_TASK = 128
LEAST_IMAGES_PER_TASK = 32
_LEAST_BUCKETS = 4096
_KEY = "task_key"


def task_sizes(images: int, slots: int) -> list[int]:
    """Images of each task, in the order of their start, for `slots` cores.

    Each takes its share of half of what is left: guided self-scheduling (Polychronopoulos and Kuck,
    1987) with twice the cores.
    """
    least = max(LEAST_IMAGES_PER_TASK, min(IMAGES_PER_LAST_TASK, -(-images // slots)))
    sizes: list[int] = []
    left = images
    while left > 0:
        share = min(IMAGES_PER_TASK, -(-left // (2 * slots)))
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
    # The chance that one of them is missing among so many is below one in a million.
    numbers = F.col("id").cast("int")
    found = spark.range(0, 40 * partitions, 1, 1).select(
        numbers.alias("number"), F.pmod(F.hash(numbers), F.lit(partitions)).alias("partition")
    )
    by_partition = {row["partition"]: row["number"] for row in found.collect()}
    return [by_partition[partition] for partition in range(partitions)]
