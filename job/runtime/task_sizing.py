"""Sizes tasks: large ones start first and small ones last, so that no core is idle for long."""

from __future__ import annotations

import json
import math
from itertools import accumulate

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas

# A failed task loses little, and the work is much longer than the waits for the storage: a dozen
# requests to commit the task and seven to read its file, one after the other.
SECONDS_PER_TASK = 20.0
# For a batch whose speed is not known yet: 20 seconds of MobileNetV2 on one core.
IMAGES_PER_TASK = 1024
# The last tasks are an eighth of a large one: a core then waits for the others about two seconds.
_LAST_TASK_DIVISOR = 8
# To start and commit a task costs as much as a few images of a fast network.
MIN_IMAGES_PER_TASK = 32
_MIN_BUCKETS = 4096
_KEY = "task_key"


def images_per_task(slots: int, per_second: float | None) -> int:
    """Images of a large task if `slots` cores together make `per_second`; None means unknown."""
    if per_second is None:
        return IMAGES_PER_TASK
    return max(1, round(SECONDS_PER_TASK * per_second / slots))


def task_sizes(images: int, slots: int, max_size: int = IMAGES_PER_TASK) -> list[int]:
    """Images of each task for `slots` cores, in the order of their start; about `max_size` at most.

    A task takes one core's share of half of the remaining images: guided self-scheduling
    (Polychronopoulos and Kuck, 1987) with twice the cores.
    """
    last = -(-max_size // _LAST_TASK_DIVISOR)
    min_size = max(min(MIN_IMAGES_PER_TASK, last), min(last, -(-images // slots)))
    sizes: list[int] = []
    left = images
    while left > 0:
        share = min(max_size, -(-left // (2 * slots)))
        size = min(left, max(min_size, share))
        # A small remainder joins the last task.
        size = left if left - size < min_size // 2 else size
        sizes.append(size)
        left -= size
    return sizes or [0]


def task_count(images: int, slots: int) -> int:
    """Number of equal tasks for `images` on `slots` cores: whole waves, and no tiny tasks."""
    tasks = -(-images // IMAGES_PER_TASK)
    if tasks > slots:
        return -(-tasks // slots) * slots
    return max(1, min(slots, images // MIN_IMAGES_PER_TASK))


def repartition_into_tasks(work: DataFrame, sizes: list[int]) -> DataFrame:
    """The rows of `work`, which have a path, in partitions of about these sizes, in this order.

    The partition depends only on the path, so a stage that runs again gives the same partitions.
    """
    keys = _partition_keys(work.sparkSession, len(sizes))
    buckets = max(_MIN_BUCKETS, 16 * len(sizes))
    by_bucket = json.dumps([keys[task] for task in _tasks_by_bucket(sizes, buckets)])
    bucket = F.pmod(F.xxhash64(schemas.PATH, F.lit("task")), F.lit(buckets)).cast("int")
    key = F.from_json(F.lit(by_bucket), "array<int>")[bucket]
    return work.withColumn(_KEY, key).repartition(len(sizes), _KEY).drop(_KEY)


def _tasks_by_bucket(sizes: list[int], buckets: int) -> list[int]:
    """The task of each bucket; the number of a task's buckets is proportional to its size."""
    ends = [round(end * buckets / sum(sizes)) for end in accumulate(sizes)] if sum(sizes) else []
    starts = [0, *ends]
    return [task for task, end in enumerate(ends) for _ in range(starts[task], end)] or [
        0
    ] * buckets


def _partition_keys(spark: SparkSession, partitions: int) -> list[int]:
    """For each partition, a number that Spark's hash partitioning assigns to it."""
    # With this count, the chance that a partition gets no number is exp(-14), one in a million.
    count = math.ceil(partitions * (14 + math.log(partitions)))
    numbers = pa.table({"number": pa.array(range(count), pa.int32())})
    # Spark evaluates a small local table in the driver, without a job.
    hashed = spark.createDataFrame(numbers).select(
        "number", F.pmod(F.hash("number"), F.lit(partitions)).alias("partition")
    )
    by_partition = {row["partition"]: row["number"] for row in hashed.collect()}
    return [by_partition[partition] for partition in range(partitions)]
