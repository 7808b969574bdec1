"""A run of several batches, and the staged files of a dead process of the same run."""

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


def test_the_first_batch_is_one_slice_and_the_next_is_five_minutes_of_work(
    spark: SparkSession, tmp_path: Path, sample_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests' Spark reports one core, which gives five slices. The chance that one of them is
    # empty is one in ten thousand.
    monkeypatch.setattr(batches, "IMAGES_PER_SLICE", 8)
    output = str(tmp_path / "out")
    for variety in sorted(sample_images.iterdir())[:2]:
        shutil.copytree(variety, tmp_path / "images" / variety.name)
    assert main(["featurize", "--input", str(tmp_path / "images"), "--output", output]) == 0
    assert len(features_of(spark, output)) == 40
    history = DeltaTable.forPath(spark, f"{output}/features").history().collect()
    # The latest commit comes first; the last one created the table.
    rest, first, _ = (int(commit.operationMetrics.get("numOutputRows", 0)) for commit in history)
    assert 0 < first < rest
    assert first + rest == 40


def test_a_batch_is_committed_while_the_next_one_runs(
    tmp_path: Path, sample_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    featurize_batch, append = featurize._featurize_batch, Tables.append
    started: list[int] = []
    second_started, pools = threading.Event(), []

    def record_batch(run: Any, work: Any, batch: Any) -> Any:
        started.append(batch.first)
        if len(started) == 2:
            second_started.set()
        return featurize_batch(run, work, batch)

    def append_after_second_start(tables: Tables, *arguments: Any, **more: Any) -> None:
        assert second_started.wait(60)
        pools.append(tables.spark.sparkContext.getLocalProperty("spark.scheduler.pool"))
        append(tables, *arguments, **more)

    monkeypatch.setattr(featurize, "_featurize_batch", record_batch)
    monkeypatch.setattr(Tables, "append", append_after_second_start)
    images, output = sorted(sample_images.iterdir())[0], tmp_path / "out"
    arguments = ["--input", str(images), "--output", str(output), "--batch-images", "8"]
    assert main(["featurize", *arguments]) == 0
    assert started == [0, 1, 2]
    assert pools == ["commits"] * 3


def test_rows_staged_by_a_dead_process_of_the_same_run_are_not_counted(
    spark: SparkSession, tmp_path: Path, sample_images: Path
) -> None:
    """The process died while it featurized all images again in batches of another size."""
    images, output = sorted(sample_images.iterdir())[0], tmp_path / "out"
    arguments = ["featurize", "--input", str(images), "--output", str(output)]
    assert main(arguments) == 0
    features = encode_features(np.ones(1280, np.float32))
    row = ("file:///gone.jpg", "gone", 1, None, None, features, None, None, None)
    staged = spark.createDataFrame([row], schemas.OUTCOME_SCHEMA)
    write_outcome(staged, f"{output}/_staging/again/outcomes/claim=1/portion=7")
    assert main([*arguments, "--refeaturize", "--run-id", "again"]) == 0
    assert len(features_of(spark, str(output))) == 20


def test_the_report_shows_images_of_a_dead_process_of_the_same_run(
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
