"""Labels of an output follow `--label-level` of the last run, without a look at the images."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from job.cli import main
from job.reduction.bundle import load_bundle, load_moments
from job.reduction.moments import compute_moments
from job.runtime.metrics import FEATURIZE_NODE
from job.runtime.progress import RowCounter
from tests.integration.tables import features_of, summary_of


@dataclass(frozen=True)
class Relabelled:
    """An output of `--label-level 1` on which a run with level 2 followed."""

    images: Path
    output: Path
    before: dict[str, list[float]]
    summary: dict[str, Any]
    through_network: int


@pytest.fixture(scope="module")
def relabelled(
    spark: SparkSession, sample_images: Path, tmp_path_factory: pytest.TempPathFactory
) -> Relabelled:
    """Ten images of two varieties, half an image, and one new image in the second run."""
    images, output = (tmp_path_factory.mktemp("labels") / name for name in ("Training", "out"))
    for variety in sorted(sample_images.iterdir())[:2]:
        (images / variety.name).mkdir(parents=True)
        for image in sorted(variety.iterdir())[:5]:
            shutil.copyfile(image, images / variety.name / image.name)
    (images / variety.name / "half.jpg").write_bytes(image.read_bytes()[:1500])
    arguments = ["--input", str(images), "--output", str(output), "--max-bad-fraction", "0.5"]
    assert main(["run", *arguments, "--run-id", "first"]) == 0
    before = features_of(spark, str(output))
    shutil.copyfile(sorted(variety.iterdir())[9], images / variety.name / "new.jpg")
    count = RowCounter(spark, FEATURIZE_NODE)
    assert main(["run", *arguments, "--run-id", "second", "--label-level", "2"]) == 0
    summary = summary_of(spark, str(output), "second")
    return Relabelled(images, output, before, summary, count())


def labels_of(spark: SparkSession, path: Path, file_format: str = "delta") -> set[str | None]:
    return {row.label for row in spark.read.format(file_format).load(str(path)).collect()}


def test_another_level_gives_all_rows_its_labels(
    spark: SparkSession, relabelled: Relabelled
) -> None:
    output = relabelled.output
    assert labels_of(spark, output / "features") == {"Training"}
    assert labels_of(spark, output / "quarantine") == {"Training"}
    assert labels_of(spark, output / "projection", "parquet") == {"Training"}
    assert "Training" in (output / "final_features.csv").read_text()


def test_only_the_new_image_is_featurized(spark: SparkSession, relabelled: Relabelled) -> None:
    counts = relabelled.summary["counts"]
    assert (counts["featurized"], counts["reused"], counts["quarantined"]) == (1, 10, 1)
    assert relabelled.summary["relabelled"] == 11
    assert relabelled.through_network == 1
    after = features_of(spark, str(relabelled.output))
    assert {path: after[path] for path in relabelled.before} == relabelled.before


def test_a_relabelled_row_is_not_new_to_drift(relabelled: Relabelled) -> None:
    assert relabelled.summary["fitted_by"] == "first"
    # As many as were featurized: else it would say how many of them were seen.
    assert "images were seen" not in relabelled.summary["drift"].get("why", "")


def test_the_same_level_again_commits_nothing(spark: SparkSession, relabelled: Relabelled) -> None:
    table = f"{relabelled.output}/features"
    before = DeltaTable.forPath(spark, table).history(1).collect()[0].version
    arguments = ["--input", str(relabelled.images), "--output", str(relabelled.output)]
    again = ["--max-bad-fraction", "0.5", "--label-level", "2", "--run-id", "again"]
    assert main(["featurize", *arguments, *again]) == 0
    assert summary_of(spark, str(relabelled.output), "again")["relabelled"] == 0
    assert DeltaTable.forPath(spark, table).history(1).collect()[0].version == before


def test_a_fit_after_it_equals_one_of_all_rows(spark: SparkSession, relabelled: Relabelled) -> None:
    output = str(relabelled.output)
    assert main(["fit", "--output", output]) == 0
    mended = load_moments(spark, load_bundle(spark, f"{output}/pca"))
    whole = compute_moments(spark.read.format("delta").load(f"{output}/features"))
    assert mended.count == whole.count == 11
    np.testing.assert_allclose(mended.mean, whole.mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mended.m2, whole.m2, rtol=1e-9, atol=1e-9 * np.abs(whole.m2).max())
