"""Detects Delta tables by their files."""

from __future__ import annotations

from pyspark.sql import SparkSession

from job.errors import DamagedTableError
from job.runtime import filesystem

# The suffixes of commits and checkpoints.
_LOG_FILES = (".json", ".parquet")


def is_table(spark: SparkSession, location: str) -> bool:
    """Whether `location` holds a Delta table with at least one commit.

    False for empty folders: a local disk keeps those of a deleted table. Raises DamagedTableError
    for files without a commit.
    """
    if not _names(spark, location):
        return False
    if any(name.endswith(_LOG_FILES) for name in _names(spark, f"{location}/_delta_log")):
        return True
    if filesystem.size(spark, location):
        raise DamagedTableError(
            f"{location} holds files, but no Delta log",
            expected="a Delta table, or no such folder",
            fix="move the folder away, then run again: its images are featurized again",
        )
    return False


def delete_empty_folders(spark: SparkSession, location: str) -> None:
    """Delete the empty folders of a deleted table: Delta mistakes an empty log for a table.

    Raises DamagedTableError if the folders hold files.
    """
    if _names(spark, location) and not is_table(spark, location):
        filesystem.delete(spark, location)


def _names(spark: SparkSession, folder: str) -> list[str]:
    try:
        return filesystem.names(spark, folder)
    except FileNotFoundError:
        return []
