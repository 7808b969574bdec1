"""What a person gets from `image-features run` on an S3 bucket."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import SparkSession

from job import files
from job.cli import main
from job.local.s3_server import LocalS3Server
from tests.integration.tables import features_of, read_text, summary_of

READERS = ["concurrent", "s3a"]


def run(output: str, input_path: str, run_id: str, *more: str) -> int:
    return main(["run", "--input", input_path, "--output", output, "--run-id", run_id, *more])


@pytest.fixture(scope="module", params=READERS)
def finished(
    request: pytest.FixtureRequest,
    spark: SparkSession,
    s3: LocalS3Server,
    module_bucket: str,
    sample_images: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, str]:
    """Input and output path of a run on the sample, by each reader."""
    s3.upload_folder(sample_images, module_bucket, "images/")
    paths = f"s3a://{module_bucket}/images", f"s3a://{module_bucket}/output-{request.param}"
    copy = tmp_path_factory.mktemp("report") / "report.html"
    assert (
        run(paths[1], paths[0], "first", "--reader", request.param, "--report-copy", str(copy)) == 0
    )
    assert copy.stat().st_size > 100_000
    return paths


def test_every_image_becomes_a_row_of_features(
    spark: SparkSession, finished: tuple[str, str]
) -> None:
    rows = spark.read.format("delta").load(f"{finished[1]}/features")
    assert rows.count() == 240
    assert rows.select("label").distinct().count() == 12
    first = rows.first()
    assert first is not None
    assert len(first.features) == 1280
    assert first.path.startswith(finished[0])
    assert first.etag
    assert first.length > 0
    assert first.modification_time is not None


def test_features_equal_keras(
    spark: SparkSession, finished: tuple[str, str], keras_features: Any
) -> None:
    for path, features in list(features_of(spark, finished[1]).items())[:24]:
        expected = keras_features(files.read_bytes(spark, path))
        np.testing.assert_allclose(features, expected, atol=1e-4)


def test_the_summary_accounts_for_every_object(
    spark: SparkSession, finished: tuple[str, str]
) -> None:
    summary = summary_of(spark, finished[1], "first")
    assert summary["status"] == "complete"
    assert summary["counts"] == {
        "listed": 240,
        "featurized": 240,
        "reused": 0,
        "quarantined": 0,
        "dropped": 0,
    }
    assert summary["explained_variance"] >= 0.90
    assert summary["committer"] == "magic"
    assert {"list", "featurize", "fit", "project", "export", "report"} <= summary["seconds"].keys()


def test_no_secret_is_written(
    spark: SparkSession, finished: tuple[str, str], s3: LocalS3Server
) -> None:
    written = read_text(spark, f"{finished[1]}/runs/first.json") + read_text(
        spark, f"{finished[1]}/report/index.html"
    )
    assert s3.secret_key not in written
    assert s3.access_key not in written


def test_the_csv_has_one_line_an_image(spark: SparkSession, finished: tuple[str, str]) -> None:
    text = read_text(spark, f"{finished[1]}/final_features.csv")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    k = summary_of(spark, finished[1], "first")["components"]
    assert header == ["path", "label", *(f"pca_{i + 1}" for i in range(k))]
    assert len(rows) == 240
    projection = {
        row.path: row.pca for row in spark.read.parquet(f"{finished[1]}/projection").collect()
    }
    for row in rows:
        np.testing.assert_allclose(
            [float(value) for value in row[2:]], projection[row[0]], rtol=1e-6
        )


def test_the_saved_model_gives_the_same_projection(
    spark: SparkSession, finished: tuple[str, str]
) -> None:
    model = PipelineModel.load(f"{finished[1]}/pca/model")
    features = spark.read.format("delta").load(f"{finished[1]}/features")
    by_spark = model.transform(features.withColumn("features_vector", array_to_vector("features")))
    ours = {row.path: row.pca for row in spark.read.parquet(f"{finished[1]}/projection").collect()}
    for row in by_spark.select("path", vector_to_array("pca").alias("theirs")).collect():
        np.testing.assert_allclose(row.theirs, ours[row.path], atol=1e-4)


def test_nothing_staged_is_left(spark: SparkSession, finished: tuple[str, str]) -> None:
    assert not files.exists(spark, f"{finished[1]}/_staging/first")


def test_a_second_run_reuses_every_row(spark: SparkSession, finished: tuple[str, str]) -> None:
    assert run(finished[1], finished[0], "second") == 0
    counts = summary_of(spark, finished[1], "second")["counts"]
    assert (counts["featurized"], counts["reused"]) == (0, 240)


def test_both_readers_give_the_same_rows(
    spark: SparkSession, s3: LocalS3Server, bucket: str, sample_images: Path
) -> None:
    for variety in sorted(sample_images.iterdir())[:2]:
        s3.upload_folder(variety, bucket, f"images/{variety.name}/")
    rows = {}
    for reader in READERS:
        output = f"s3a://{bucket}/{reader}"
        arguments = [
            "featurize",
            "--input",
            f"s3://{bucket}/images/",
            "--output",
            output,
            "--reader",
            reader,
        ]
        assert main(arguments) == 0
        table = spark.read.format("delta").load(f"{output}/features").drop("run_id", "features")
        rows[reader] = {row.path: row for row in table.collect()}
    assert rows["concurrent"] == rows["s3a"]
    assert len(rows["s3a"]) == 40
