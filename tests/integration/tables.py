"""What tests read back from an output."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import Row, SparkSession

from job.runtime import filesystem


def read_text(spark: SparkSession, path: str) -> str:
    """A text file on storage."""
    return filesystem.read_bytes(spark, path).decode()


def summary_of(spark: SparkSession, output: str, run_id: str) -> dict[str, Any]:
    """The summary of a run."""
    return dict(json.loads(read_text(spark, f"{output}/runs/{run_id}.json")))


def rows_of(spark: SparkSession, output: str, table: str) -> dict[str, Row]:
    """Rows of `features` or `quarantine` by path; no path twice."""
    rows = spark.read.format("delta").load(f"{output}/{table}").collect()
    assert len({row.path for row in rows}) == len(rows)
    return {row.path: row for row in rows}


def features_of(spark: SparkSession, output: str) -> dict[str, list[float]]:
    """Features by path; no path twice."""
    return {path: row.features for path, row in rows_of(spark, output, "features").items()}


def quarantine_of(spark: SparkSession, output: str) -> dict[str, str]:
    """Reasons by path; no path twice."""
    return {path: row.reason for path, row in rows_of(spark, output, "quarantine").items()}
