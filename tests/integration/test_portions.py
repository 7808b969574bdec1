"""A run of several portions: each is committed, and the first one's speed makes the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from job import portions, schemas
from job.cli import main
from job.packed_features import packed
from tests.integration.tables import features_of


def test_the_first_portion_is_one_slice_and_the_next_what_five_minutes_take(
    spark: SparkSession, tmp_path: Path, sample_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "IMAGES_PER_SLICE", 4)
    images, output = sorted(sample_images.iterdir())[0], str(tmp_path / "out")
    assert main(["featurize", "--input", str(images), "--output", output]) == 0
    assert len(features_of(spark, output)) == 20
    history = DeltaTable.forPath(spark, f"{output}/features").history().collect()
    # The latest first; the last made the table.
    rest, first, _ = (int(commit.operationMetrics.get("numOutputRows", 0)) for commit in history)
    assert 0 < first < rest
    assert first + rest == 20


def test_what_a_run_of_the_same_id_left_is_not_counted(
    spark: SparkSession, tmp_path: Path, sample_images: Path
) -> None:
    """Portions of another size, of a run that died while it featurized all images again."""
    images, output = sorted(sample_images.iterdir())[0], tmp_path / "out"
    arguments = ["featurize", "--input", str(images), "--output", str(output)]
    assert main(arguments) == 0
    left = spark.createDataFrame(
        [("file:///gone.jpg", "gone", 1, None, None, packed(np.ones(1280, np.float32)))],
        StructType(schemas.OUTCOME_SCHEMA.fields[:6]),
    )
    left.write.parquet(f"{output}/_staging/again/outcome/portion=7")
    assert main([*arguments, "--refeaturize", "--run-id", "again"]) == 0
    assert len(features_of(spark, str(output))) == 20
