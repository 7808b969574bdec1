"""Daily runs on one output: they reuse or update the fit, and the files stay few."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from job.cli import main
from job.deploy.local.s3_server import LocalS3Server
from job.reduction import moments
from job.reduction.bundle import load_bundle, load_moments
from job.reduction.moments import compute_moments
from job.runtime import filesystem
from tests.integration.tables import features_of, summary_of

pytestmark = pytest.mark.usefixtures("spark")


@dataclass(frozen=True)
class Days:
    """Two daily runs on one bucket: their summaries, and a fit after them."""

    output: str
    first: dict[str, Any]
    second: dict[str, Any]
    projected: set[str]
    rows_read_by_refit: list[int]
    fitted: int


@pytest.fixture(scope="module")
def days(spark: SparkSession, s3: LocalS3Server, module_bucket: str, sample_images: Path) -> Days:
    """Sixty images; then three changed, three deleted, one new; then a fit."""
    for variety in sorted(sample_images.iterdir())[:3]:
        s3.upload_folder(variety, module_bucket, f"images/{variety.name}/")
    output, client = f"s3a://{module_bucket}/out", s3.client()
    arguments = ["--input", f"s3a://{module_bucket}/images", "--output", output]
    assert main(["run", *arguments, "--run-id", "first"]) == 0

    listed = client.list_objects_v2(Bucket=module_bucket, Prefix="images/")["Contents"]
    keys = sorted(item["Key"] for item in listed)
    others = sorted((sample_images / "Tomato 3").iterdir())
    for key, other in zip(keys[:3], others, strict=False):
        client.put_object(Bucket=module_bucket, Key=key, Body=other.read_bytes())
    for key in keys[3:6]:
        client.delete_object(Bucket=module_bucket, Key=key)
    client.put_object(Bucket=module_bucket, Key="images/New/a.jpg", Body=others[9].read_bytes())
    assert main(["run", *arguments, "--run-id", "second"]) == 0
    projected = {row.path for row in spark.read.parquet(f"{output}/projection").collect()}

    rows_read: list[int] = []

    def compute_and_count(features: DataFrame) -> moments.Moments:
        result = compute_moments(features)
        rows_read.append(result.count)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "compute_moments", compute_and_count)
        assert main(["fit", "--output", output, "--run-id", "third"]) == 0
    return Days(
        output,
        summary_of(spark, output, "first"),
        summary_of(spark, output, "second"),
        projected,
        rows_read,
        load_bundle(spark, f"{output}/pca").manifest.rows,
    )


def test_a_daily_run_projects_all_rows_with_the_saved_fit(spark: SparkSession, days: Days) -> None:
    assert days.first["fitted_by"] == days.second["fitted_by"] == "first"
    assert days.second["components"] == days.first["components"]
    assert days.projected == set(features_of(spark, days.output))
    assert len(days.projected) == 58


def test_a_later_fit_reads_only_added_and_removed_rows(days: Days) -> None:
    # Four rows were added, one of them new; six were removed, three of them changed.
    assert days.rows_read_by_refit == [4, 6]
    assert days.fitted == 58


def test_a_later_fit_equals_a_fit_of_all_rows(spark: SparkSession, days: Days) -> None:
    updated = load_moments(spark, load_bundle(spark, f"{days.output}/pca"))
    expected = compute_moments(spark.read.format("delta").load(f"{days.output}/features"))
    assert updated.count == expected.count
    np.testing.assert_allclose(updated.mean, expected.mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        updated.m2, expected.m2, rtol=1e-9, atol=1e-9 * np.abs(expected.m2).max()
    )


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--refit"], ["--components", "5"]])
def test_a_run_fits_again_if_the_user_asks_for_it(
    spark: SparkSession, days: Days, options: list[str]
) -> None:
    run_id = options[0].strip("-")
    arguments = ["--input", days.first["input_path"], "--output", days.output, "--run-id", run_id]
    assert main(["run", *arguments, *options]) == 0
    summary = summary_of(spark, days.output, run_id)
    assert summary["fitted_by"] == run_id
    assert summary["counts"]["featurized"] == 0


def _data_files(spark: SparkSession, table: str) -> list[str]:
    return [name for name in filesystem.names(spark, table) if name.endswith(".parquet")]


def test_keep_deleted_keeps_the_rows_of_deleted_images(
    spark: SparkSession, s3: LocalS3Server, days: Days
) -> None:
    before = features_of(spark, days.output)
    _, _, bucket, key = max(before).split("/", 3)
    s3.client().delete_object(Bucket=bucket, Key=key)
    arguments = ["--input", days.first["input_path"], "--output", days.output]
    assert main(["featurize", *arguments, "--keep-deleted", "--run-id", "keeps"]) == 0
    assert features_of(spark, days.output) == before
    counts = summary_of(spark, days.output, "keeps")["counts"]
    assert (counts["listed"], counts["dropped"]) == (len(before) - 1, 0)


@pytest.mark.slow
def test_compaction_leaves_one_file_with_the_same_rows(
    spark: SparkSession, s3: LocalS3Server, days: Days, capfd: pytest.CaptureFixture[str]
) -> None:
    _, _, bucket, key = min(features_of(spark, days.output)).split("/", 3)
    s3.client().delete_object(Bucket=bucket, Key=key)
    assert main(["featurize", "--input", days.first["input_path"], "--output", days.output]) == 0
    table, before = f"{days.output}/features", features_of(spark, days.output)
    assert len(_data_files(spark, table)) > 1
    assert main(["compact", "--output", days.output, "--retention-hours", "0"]) == 0
    assert len(_data_files(spark, table)) == 1
    assert features_of(spark, days.output) == before
    assert "now 1" in capfd.readouterr().err

    # The changes since the last fit were deleted with the old files.
    assert main(["fit", "--output", days.output]) == 0
    assert "are gone: all rows are read" in capfd.readouterr().err
    assert load_bundle(spark, f"{days.output}/pca").manifest.rows == len(before)


@pytest.mark.slow
def test_a_run_that_leaves_many_small_files_compacts_them(
    spark: SparkSession, tmp_path: Path, sample_images: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    images = sorted(sample_images.iterdir())[0]
    arguments = ["--input", str(images), "--output", str(tmp_path / "out")]
    options = ["--batch-images", "5", "--compact-above", "2"]
    assert main(["featurize", *arguments, *options]) == 0
    assert "compact: 4 files of features, now 1" in capfd.readouterr().err
    assert len(features_of(spark, str(tmp_path / "out"))) == 20
