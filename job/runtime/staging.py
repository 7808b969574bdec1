"""What the network gave, on its way to the tables: Parquet, in a folder for each reason.

A filter by reason opens the files of those folders alone. Every file that is opened costs half a
dozen requests, one after the other, and bad images are few.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from job import schemas


def write_outcome(outcome: DataFrame, path: str, mode: str = "overwrite") -> None:
    """Write OUTCOME_SCHEMA at `path`, which is there afterwards even for no rows."""
    outcome.write.mode(mode).partitionBy(schemas.REASON).parquet(path)


def read_outcome(spark: SparkSession, path: str) -> DataFrame:
    """The columns of OUTCOME_SCHEMA, in another order, and those that folders below `path` name."""
    return spark.read.schema(schemas.OUTCOME_SCHEMA).parquet(path)
