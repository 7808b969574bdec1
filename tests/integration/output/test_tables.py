"""Commits to both tables: work is spread over the cores, and no crash leaves a path in both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from delta.tables import DeltaMergeBuilder
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.features.feature_encoding import encode_features
from job.layout import Layout
from job.output.delta_engine import DeltaEngine
from job.output.file_sizing import ROWS_PER_FILE
from job.output.lease import acquire
from job.output.lease_store import lease_store
from job.output.tables import Tables
from job.runtime.staging import read_outcome, write_outcome

IMAGES = ["format_string('a/%d.jpg', id) AS path", "1L AS length"]


@pytest.fixture
def no_tables(spark: SparkSession, tmp_path: Path) -> Iterator[Tables]:
    """The tables of a new output, before they are created, for a run that holds the lease."""
    layout = Layout(str(tmp_path / "out"))
    lease = acquire(lease_store(spark, layout.lease), "run", layout.features)
    yield Tables(DeltaEngine(spark), layout, "run", lease)
    lease.release()


@pytest.fixture
def tables(no_tables: Tables) -> Tables:
    """Both tables, empty."""
    no_tables.create({})
    return no_tables


def test_all_files_of_a_commit_have_the_same_number_of_rows(
    spark: SparkSession, tables: Tables, tmp_path: Path
) -> None:
    """The staged files that the tasks of the batch wrote may differ in size."""
    rows, outcome = 3 * ROWS_PER_FILE, str(tmp_path / "outcome")
    features = F.lit(encode_features(np.zeros(8, np.float32)))
    for first, last in [(0, 50_000), (50_000, 59_000), (59_000, rows)]:
        images = spark.range(first, last, 1, 1).selectExpr(*IMAGES, "string(NULL) AS reason")
        write_outcome(images.withColumn(schemas.FEATURES, features), outcome, mode="append")
    tables.append(read_outcome(spark, outcome), 0, rows, bad=0)
    by_file = tables.features().groupBy(F.input_file_name()).count().collect()
    assert [row["count"] for row in by_file] == [pytest.approx(ROWS_PER_FILE, rel=0.05)] * 3


def test_many_files_are_searched_for_bad_images_in_parallel(
    spark: SparkSession, tables: Tables, tmp_path: Path
) -> None:
    """They are written as one file: each of the thousands of tasks of a batch may have some."""
    outcome = str(tmp_path / "outcome")
    write_outcome(spark.range(0, 6, 1, 6).selectExpr(*IMAGES, "'truncated' AS reason"), outcome)
    before = jobs(spark)
    # Spark counts 4 MB for opening a file, so each file is a separate task.
    spark.conf.set("spark.sql.files.maxPartitionBytes", "4MB")
    try:
        tables.append(read_outcome(spark, outcome), 0, 6, bad=6)
    finally:
        spark.conf.unset("spark.sql.files.maxPartitionBytes")
    assert tables.quarantine().count() == 6
    assert len(tables.quarantine().inputFiles()) == 1
    # There are no features, so their job opens no file.
    assert tasks(spark, jobs(spark) - before).count(6) == 1


@pytest.mark.parametrize("commits", [1, 2])
def test_a_crash_between_two_commits_leaves_no_image_in_both_tables(
    spark: SparkSession, tables: Tables, commits: int
) -> None:
    """Repeating the commit puts a damaged and a repaired image into their tables."""
    tables.append(outcome_of(spark, good="damaged", bad="repaired"), 0, 2)
    changed = outcome_of(spark, good="repaired", bad="damaged")
    with pytest.MonkeyPatch.context() as patch:
        die_after(patch, commits)
        with suppress(KeyboardInterrupt):
            tables.upsert(changed, 1)
    assert not set(paths(tables.features())) & set(paths(tables.quarantine()))
    tables.upsert(changed, 1)
    assert paths(tables.features()) == ["repaired"]
    assert paths(tables.quarantine()) == ["damaged"]


def test_a_crash_while_all_rows_are_replaced_leaves_no_image_in_both_tables(
    spark: SparkSession, tables: Tables
) -> None:
    tables.append(outcome_of(spark, good="damaged", bad="repaired"), 0, 2)
    changed = outcome_of(spark, good="repaired", bad="damaged")
    with pytest.MonkeyPatch.context() as patch:
        # The bad images come last.
        patch.setattr(DeltaEngine, "quarantine_rows", die)
        with pytest.raises(KeyboardInterrupt):
            tables.replace(changed, 2, {})
    assert paths(tables.features()) == ["repaired"]
    assert paths(tables.quarantine()) == []
    tables.replace(changed, 2, {})
    assert paths(tables.quarantine()) == ["damaged"]


def test_a_crash_between_creating_tables_leaves_no_features_without_quarantine(
    no_tables: Tables,
) -> None:
    create, created = DeltaEngine.create, []

    def create_or_die(engine: DeltaEngine, *table: Any) -> None:
        if created:
            raise KeyboardInterrupt
        created.append(create(engine, *table))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeltaEngine, "create", create_or_die)
        with pytest.raises(KeyboardInterrupt):
            no_tables.create({})
    assert not no_tables.exist()
    no_tables.create({})
    assert no_tables.exist()
    assert paths(no_tables.quarantine()) == []


def test_a_deleted_quarantine_table_is_created_again(tables: Tables) -> None:
    shutil.rmtree(tables.layout.quarantine)
    tables.restore_quarantine()
    assert paths(tables.quarantine()) == []


def test_a_crash_while_all_rows_of_a_new_output_are_replaced_leaves_both_tables(
    spark: SparkSession, no_tables: Tables
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeltaEngine, "quarantine_rows", die)
        with pytest.raises(KeyboardInterrupt):
            no_tables.replace(outcome_of(spark, good="good", bad="bad"), 2, {})
    assert paths(no_tables.features()) == ["good"]
    assert paths(no_tables.quarantine()) == []


def outcome_of(spark: SparkSession, good: str, bad: str) -> DataFrame:
    features = bytearray(encode_features(np.zeros(8, np.float32)))
    good_row = {"path": good, "length": 1, "features": features}
    bad_row = {"path": bad, "length": 1, "reason": "truncated"}
    empty = dict.fromkeys(schemas.OUTCOME_SCHEMA.names)
    return spark.createDataFrame([empty | good_row, empty | bad_row], schemas.OUTCOME_SCHEMA)


def die_after(patch: pytest.MonkeyPatch, commits: int) -> None:
    """Raise in the merge after `commits` merges."""
    execute, done = DeltaMergeBuilder.execute, []

    def execute_or_die(builder: DeltaMergeBuilder) -> object:
        if len(done) == commits:
            raise KeyboardInterrupt
        done.append(builder)
        return execute(builder)

    patch.setattr(DeltaMergeBuilder, "execute", execute_or_die)


def die(*_: object) -> None:
    raise KeyboardInterrupt


def paths(table: DataFrame) -> list[str]:
    return [row.path for row in table.select(schemas.PATH).collect()]


def jobs(spark: SparkSession) -> set[int]:
    return set(spark.sparkContext.statusTracker().getJobIdsForGroup())


def tasks(spark: SparkSession, of_jobs: set[int]) -> list[int]:
    """The number of tasks that each stage of the jobs ran; none for stages of earlier jobs."""
    tracker = spark.sparkContext.statusTracker()
    infos = [tracker.getJobInfo(job) for job in of_jobs]
    stages = {stage for info in infos if info for stage in info.stageIds}
    return [stage.numCompletedTasks for stage in map(tracker.getStageInfo, stages) if stage]
