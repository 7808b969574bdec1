"""Stages the output of the network before it is committed: Parquet, partitioned by reason.

A filter by reason opens only the files of the matching folders. Opening a file takes six requests,
one after the other, and few images are bad.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from job import schemas


def write_outcome(outcome: DataFrame, path: str, mode: str = "overwrite") -> None:
    """Write OUTCOME_SCHEMA to `path`; the folder exists afterwards even if there are no rows."""
    outcome.write.mode(mode).partitionBy(schemas.REASON).parquet(path)


def read_outcome(spark: SparkSession, path: str) -> DataFrame:
    """Read OUTCOME_SCHEMA, in another column order, plus the partition columns below `path`."""
    return spark.read.schema(schemas.OUTCOME_SCHEMA).parquet(path)
