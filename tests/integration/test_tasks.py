"""Partitions of unlike sizes, as Spark makes them."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.tasks import in_tasks, task_sizes


@pytest.mark.parametrize(("images", "slots"), [(0, 2), (1, 2), (10_000, 2), (50_000, 7)])
def test_partitions_have_the_sizes_in_their_order(
    spark: SparkSession, images: int, slots: int
) -> None:
    sizes = task_sizes(images, slots)
    paths = spark.range(images).select(F.format_string("a/%d.jpg", "id").alias(schemas.PATH))
    in_order = in_tasks(paths, sizes).rdd.mapPartitions(lambda rows: [sum(1 for _ in rows)])
    found = in_order.collect()
    assert sum(found) == images
    # Each path is drawn by its hash: about four times the deviation of such a draw.
    assert found == [pytest.approx(size, abs=4 * size**0.5 + 1) for size in sizes]
