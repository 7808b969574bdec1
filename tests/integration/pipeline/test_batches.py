"""A run of several portions, and what it takes over of one of the same id that died."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from job import schemas
from job.cli import main
from job.errors import InvalidValueError
from job.features.feature_encoding import encode_features
from job.output.tables import Tables
from job.pipeline import batches, featurize, steps
from job.runtime.staging import write_outcome
from tests.integration.tables import features_of


def test_the_first_portion_is_one_slice_and_the_next_what_five_minutes_take(
    spark: SparkSession, tmp_path: Path, sample_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests' Spark says that it has one core: five slices. None is empty, whatever the paths:
    # the chance of that is one in ten thousand.
    monkeypatch.setattr(batches, "IMAGES_PER_SLICE", 8)
    output = str(tmp_path / "out")
    for variety in sorted(sample_images.iterdir())[:2]:
        shutil.copytree(variety, tmp_path / "images" / variety.name)
    assert main(["featurize", "--input", str(tmp_path / "images"), "--output", output]) == 0
    assert len(features_of(spark, output)) == 40
    history = DeltaTable.forPath(spark, f"{output}/features").history().collect()
    # The latest first; the last made the table.
    rest, first, _ = (int(commit.operationMetrics.get("numOutputRows", 0)) for commit in history)
    assert 0 < first < rest
    assert first + rest == 40


def test_a_batch_is_committed_while_the_next_one_runs(
    tmp_path: Path, sample_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    featurize_batch, append = featurize._featurize_batch, Tables.append
    started: list[int] = []
    second_started, pools = threading.Event(), []

    def featurized(run: Any, work: Any, batch: Any) -> Any:
        started.append(batch.first)
        if len(started) == 2:
            second_started.set()
        return featurize_batch(run, work, batch)

    def appended(tables: Tables, *arguments: Any, **more: Any) -> None:
        assert second_started.wait(60)
        pools.append(tables.spark.sparkContext.getLocalProperty("spark.scheduler.pool"))
        append(tables, *arguments, **more)

    monkeypatch.setattr(featurize, "_featurize_batch", featurized)
    monkeypatch.setattr(Tables, "append", appended)
    images, output = sorted(sample_images.iterdir())[0], tmp_path / "out"
    arguments = ["--input", str(images), "--output", str(output), "--batch-images", "8"]
    assert main(["featurize", *arguments]) == 0
    assert started == [0, 1, 2]
    assert pools == ["commits"] * 3


def test_what_a_run_of_the_same_id_left_is_not_counted(
    spark: SparkSession, tmp_path: Path, sample_images: Path
) -> None:
    """Portions of another size, of a run that died while it featurized all images again."""
    images, output = sorted(sample_images.iterdir())[0], tmp_path / "out"
    arguments = ["featurize", "--input", str(images), "--output", str(output)]
    assert main(arguments) == 0
    features = encode_features(np.ones(1280, np.float32))
    gone = ("file:///gone.jpg", "gone", 1, None, None, features, None, None, None)
    left = spark.createDataFrame([gone], schemas.OUTCOME_SCHEMA)
    write_outcome(left, f"{output}/_staging/again/outcomes/claim=1/portion=7")
    assert main([*arguments, "--refeaturize", "--run-id", "again"]) == 0
    assert len(features_of(spark, str(output))) == 20


def test_the_report_shows_images_of_a_run_of_the_same_id_that_died(
    tmp_path: Path, sample_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, output = sorted(sample_images.iterdir())[0], tmp_path / "out"
    arguments = ["run", "--input", str(images), "--output", str(output), "--run-id", "again"]

    def no_fit(*_: object) -> None:
        raise InvalidValueError("no fit today")

    with monkeypatch.context() as broken:
        broken.setattr(steps, "new_bundle", no_fit)
        assert main(arguments) != 0
    assert main(arguments) == 0
    assert "data:image/jpeg" in (output / "report" / "index.html").read_text()
