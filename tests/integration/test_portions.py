"""A run of several portions: each is committed, and the first one's speed makes the next."""

from __future__ import annotations

from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from job import portions
from job.cli import main
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
