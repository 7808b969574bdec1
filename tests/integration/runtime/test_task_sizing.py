"""The sizes of Spark's partitions, and how well they use the cores."""

from __future__ import annotations

from heapq import heapreplace

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.runtime.task_sizing import repartition_into_tasks, task_sizes


@pytest.mark.parametrize(("images", "slots"), [(0, 2), (1, 2), (10_000, 2), (50_000, 7)])
def test_partitions_have_the_requested_sizes_in_order(
    spark: SparkSession, images: int, slots: int
) -> None:
    sizes = task_sizes(images, slots)
    paths = spark.range(images).select(F.format_string("a/%d.jpg", "id").alias(schemas.PATH))
    in_order = repartition_into_tasks(paths, sizes).rdd.mapPartitions(
        lambda rows: [sum(1 for _ in rows)]
    )
    counts = in_order.collect()
    assert sum(counts) == images
    # The hash of a path draws its partition: allow four standard deviations.
    assert counts == [pytest.approx(size, abs=4 * size**0.5 + 1) for size in sizes]


def test_large_images_that_are_listed_together_leave_no_core_idle(spark: SparkSession) -> None:
    slots, images, large = 4, 20_000, 200
    # 20 MB take as long as fifty images of 5 kB.
    seconds = F.when(F.col("id") < large, 0.5).otherwise(0.01).alias("seconds")
    paths = spark.range(images).select(
        F.format_string("a/%05d.jpg", "id").alias(schemas.PATH), seconds
    )
    tasks = repartition_into_tasks(paths, task_sizes(images, slots)).rdd.mapPartitions(
        lambda rows: [sum(row.seconds for row in rows)]
    )
    busy = tasks.collect()
    assert _last_end(busy, slots) <= 1.05 * sum(busy) / slots
    # In listing order, a thousand images per task, they all go to one core.
    listed = [large * 0.5 + (1000 - large) * 0.01] + [10.0] * (images // 1000 - 1)
    assert _last_end(listed, slots) > 1.3 * sum(listed) / slots


def _last_end(tasks: list[float], slots: int) -> float:
    """The end of the last task, if the first free core takes each of `tasks` in order."""
    free_at = [0.0] * slots
    for seconds in tasks:
        heapreplace(free_at, free_at[0] + seconds)
    return max(free_at)
