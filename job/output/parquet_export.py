"""Rows as plain Parquet, for other programs."""

from __future__ import annotations

from pyspark.sql import DataFrame

from job.output.file_sizing import file_count
from job.runtime.retries import retried
from job.runtime.session import task_slots


@retried
def write_parquet(images: DataFrame, rows: int, path: str) -> None:
    """Write `images`, `rows` rows, as plain Parquet, replacing the files at `path`."""
    files = file_count(rows, task_slots(images.sparkSession))
    images.coalesce(files).write.mode("overwrite").parquet(path)
