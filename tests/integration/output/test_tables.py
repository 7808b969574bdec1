"""Rows of a portion on their way into the features table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.output.claim import claim
from job.output.claim_store import claim_store
from job.output.file_count import ROWS_PER_FILE
from job.output.layout import Layout
from job.output.tables import Tables
from job.packed_features import packed


def test_each_file_of_a_commit_has_as_many_rows_as_another(
    spark: SparkSession, tmp_path: Path
) -> None:
    """However unlike the files are that the tasks of the portion wrote."""
    rows, layout = 3 * ROWS_PER_FILE, Layout(str(tmp_path / "out"))
    outcome = str(tmp_path / "outcome")
    features = F.lit(packed(np.zeros(8, np.float32))).alias(schemas.FEATURES)
    path = F.format_string("a/%d.jpg", "id").alias(schemas.PATH)
    for first, last in [(0, 50_000), (50_000, 59_000), (59_000, rows)]:
        task = spark.range(first, last, 1, 1).select(
            path, F.lit(1).cast("long").alias(schemas.LENGTH), features
        )
        task.write.mode("append").parquet(outcome)
    held = claim(claim_store(spark, layout.claim), "run", layout.features)
    tables = Tables(spark, layout, "run", held)
    tables.create({})
    written = spark.read.schema(schemas.OUTCOME_SCHEMA).parquet(outcome)
    tables.commit(written, 0, rows, known=False, bad=0)
    held.release()
    by_file = tables.features().groupBy(F.input_file_name()).count().collect()
    assert [row["count"] for row in by_file] == [pytest.approx(ROWS_PER_FILE, rel=0.05)] * 3
