"""Delta's rules for concurrent writers, which the model of the protocol relies on.

A row whose function waits for a file holds a write between its snapshot and its commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark import inheritable_thread_target
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from job.errors import TransportError
from job.output.delta_engine import DeltaEngine
from job.runtime.spark_errors import STORAGE_EXCEPTIONS, as_job_error
from tests.support.processes import wait_until
from tests.unit.pipeline.protocol.rules import (
    BEFORE,
    COMMITTED,
    CONFLICT,
    HELD,
    OLD,
    RULES,
    Rule,
)

SCHEMA = StructType([StructField("path", StringType()), StructField("reason", StringType())])


@pytest.fixture
def table(spark: SparkSession, tmp_path: Path) -> str:
    """A table with the paths a and b, a file each."""
    location = str(tmp_path / "table")
    engine = DeltaEngine(spark)
    engine.create(location, SCHEMA, {})
    engine.append(location, rows(spark, "a"), BEFORE - 1)
    engine.append(location, rows(spark, "b"), BEFORE)
    return location


def rows(spark: SparkSession, paths: str) -> DataFrame:
    return spark.createDataFrame([(path, "truncated") for path in paths], SCHEMA).coalesce(1)


def held_rows(spark: SparkSession, paths: str, folder: Path) -> DataFrame:
    """Rows that wait for the file `go`; reading them creates the file `started`."""
    started, go = str(folder / "started"), str(folder / "go")

    def wait(path: str) -> str:
        Path(started).touch()
        while not Path(go).exists():
            time.sleep(0.05)
        return path

    waited = F.udf(wait, StringType(), useArrow=False)("path")
    return rows(spark, paths).withColumn("path", waited)


def write(engine: DeltaEngine, table: str, kind: str, version: int | None, c: DataFrame) -> None:
    """The write of a rule; a write without a version is from another application."""
    spark = engine.spark
    delta = DeltaTable.forPath(spark, table)
    match (kind, version):
        case "append", None:
            c.write.format("delta").mode("append").save(table)
        case "append", int():
            engine.append(table, c, version)
        case "merge", None:
            merge = delta.alias("old").merge(c.alias("new"), "old.path = new.path")
            merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
        case "merge", int():
            engine.merge(table, c, "reason", version)
        case "delete", None:
            delta.delete("path = 'a'")
        case "delete", int():
            engine.delete(table, rows(spark, "a"), version)
        case "fence", int():
            engine.fence(table, version)
        case _:
            delta.optimize().executeCompaction()


def paths(engine: DeltaEngine, table: str) -> str:
    return "".join(sorted(row.path for row in engine.read(table).select("path").collect()))


def outcome_of(call: Callable[[], None]) -> str:
    try:
        call()
    except STORAGE_EXCEPTIONS as error:
        if not isinstance(as_job_error(error, "output"), TransportError):
            raise
        return CONFLICT
    return COMMITTED


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.held}-{rule.other}")
def test_the_outcome_of_a_write_after_another_commit(
    spark: SparkSession, table: str, tmp_path: Path, rule: Rule
) -> None:
    engine, c = DeltaEngine(spark), rows(spark, "c")
    held = held_rows(spark, "c", tmp_path)

    def held_write() -> str:
        return outcome_of(lambda: write(engine, table, rule.held, HELD, held))

    with ThreadPoolExecutor(1) as thread:
        outcome = thread.submit(inheritable_thread_target(spark)(held_write))
        try:
            wait_until((tmp_path / "started").exists, 60)
            write(engine, table, rule.other, rule.other_version, c)
        finally:
            (tmp_path / "go").touch()
        assert outcome.result() == rule.outcome
    assert paths(engine, table) == rule.paths


@pytest.mark.parametrize("kind", ["append", "merge", "delete", "fence"])
@pytest.mark.parametrize("version", [OLD, BEFORE])
def test_a_write_with_an_old_version_is_skipped(
    spark: SparkSession, table: str, kind: str, version: int
) -> None:
    engine = DeltaEngine(spark)
    write(engine, table, kind, version, rows(spark, "c"))
    assert paths(engine, table) == "ab"
    assert engine.last_version(table) == BEFORE


def test_optimize_keeps_the_version(spark: SparkSession, table: str) -> None:
    engine = DeltaEngine(spark)
    write(engine, table, "optimize", None, rows(spark, "c"))
    assert engine.last_version(table) == BEFORE
