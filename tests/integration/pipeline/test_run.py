"""The results of `image-features run` on an S3 bucket."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import SparkSession

from job.cli import main
from job.deploy.local.s3_server import LocalS3Server
from job.runtime import filesystem
from job.runtime.metrics import FEATURIZE_NODE
from job.runtime.progress import RowCounter
from tests.integration.tables import features_of, read_text, summary_of
from tests.support.notebooks import executed, figures_shown
from tests.support.proxy import S3Proxy

READERS = ["concurrent", "s3a"]
# Measured: 899, and 1,418 with the s3a reader, which sends a HEAD request first.
MAX_REQUESTS = {"concurrent": 1050, "s3a": 1650}
EXPLORE = Path(__file__).parents[3] / "examples" / "explore.ipynb"


@dataclass(frozen=True)
class Finished:
    """A run on the sample, and its cost: images through the network and requests to the store.

    `gets` counts the GET requests for images, `others` all other requests.
    """

    input_path: str
    output: str
    through_network: int
    gets: int
    copies: int
    others: int


def run(output: str, input_path: str, run_id: str, *more: str) -> int:
    return main(["run", "--input", input_path, "--output", output, "--run-id", run_id, *more])


@pytest.fixture(scope="module")
def run_by(
    spark: SparkSession,
    s3: LocalS3Server,
    proxy: S3Proxy,
    module_bucket: str,
    sample_images: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Finished]:
    """The run on the sample with a reader; each reader runs once."""
    s3.upload_folder(sample_images, module_bucket, "images/")
    input_path = f"s3a://{module_bucket}/images"

    @cache
    def finished(reader: str) -> Finished:
        output = f"s3a://{module_bucket}/output-{reader}"
        copy = tmp_path_factory.mktemp("report") / "report.html"
        count = RowCounter(spark, FEATURIZE_NODE)
        gets, copies = proxy.count("GET", "images/"), proxy.count("COPY", f"output-{reader}/")
        requests = len(proxy.requests)
        assert run(output, input_path, "first", "--reader", reader, "--report-copy", str(copy)) == 0
        assert copy.stat().st_size > 100_000
        gets = proxy.count("GET", "images/") - gets
        copies = proxy.count("COPY", f"output-{reader}/") - copies
        others = len(proxy.requests) - requests - gets
        return Finished(input_path, output, count(), gets, copies, others)

    return finished


@pytest.fixture(params=READERS)
def finished(request: pytest.FixtureRequest, run_by: Callable[[str], Finished]) -> Finished:
    """A run on the sample with each reader."""
    return run_by(request.param)


def test_every_image_becomes_a_row_of_features(spark: SparkSession, finished: Finished) -> None:
    rows = spark.read.format("delta").load(f"{finished.output}/features")
    assert rows.count() == 240
    assert rows.select("label").distinct().count() == 12
    first = rows.first()
    assert first is not None
    assert len(first.features) == 1280
    assert first.path.startswith(finished.input_path)
    assert first.etag
    assert first.length > 0
    assert first.modification_time is not None


def test_features_equal_keras(spark: SparkSession, finished: Finished, keras_features: Any) -> None:
    for path, features in list(features_of(spark, finished.output).items())[:24]:
        expected = keras_features(filesystem.read_bytes(spark, path))
        np.testing.assert_allclose(features, expected, atol=1e-4)


def test_the_summary_accounts_for_every_object(spark: SparkSession, finished: Finished) -> None:
    summary = summary_of(spark, finished.output, "first")
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


def test_no_secret_is_written(spark: SparkSession, finished: Finished, s3: LocalS3Server) -> None:
    written = read_text(spark, f"{finished.output}/runs/first.json") + read_text(
        spark, f"{finished.output}/report/index.html"
    )
    assert s3.secret_key not in written
    assert s3.access_key not in written


def test_the_csv_has_one_line_per_image(spark: SparkSession, finished: Finished) -> None:
    text = read_text(spark, f"{finished.output}/final_features.csv")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    k = summary_of(spark, finished.output, "first")["components"]
    assert header == ["path", "label", *(f"pca_{i + 1}" for i in range(k))]
    assert len(rows) == 240
    projection = {
        row.path: row.pca for row in spark.read.parquet(f"{finished.output}/projection").collect()
    }
    for row in rows:
        np.testing.assert_allclose(
            [float(value) for value in row[2:]], projection[row[0]], rtol=1e-6
        )


def test_the_saved_model_gives_the_same_projection(spark: SparkSession, finished: Finished) -> None:
    model = PipelineModel.load(f"{finished.output}/pca/model")
    features = spark.read.format("delta").load(f"{finished.output}/features")
    by_spark = model.transform(features.withColumn("features_vector", array_to_vector("features")))
    ours = {
        row.path: row.pca for row in spark.read.parquet(f"{finished.output}/projection").collect()
    }
    for row in by_spark.select("path", vector_to_array("pca").alias("theirs")).collect():
        np.testing.assert_allclose(row.theirs, ours[row.path], atol=1e-4)


def test_staged_files_are_deleted(spark: SparkSession, finished: Finished) -> None:
    assert not filesystem.exists(spark, f"{finished.output}/_staging/first")


def test_each_image_goes_through_the_network_once(finished: Finished) -> None:
    assert finished.through_network == 240


def test_the_concurrent_reader_makes_one_get_request_per_image(
    run_by: Callable[[str], Finished],
) -> None:
    assert 240 <= run_by("concurrent").gets <= 1.05 * 240


def test_no_commit_copies_an_object(finished: Finished) -> None:
    # The finished CSV gets its name by one copy; nothing else is renamed.
    assert finished.copies == 1


@pytest.mark.parametrize("reader", READERS)
def test_there_are_few_requests_other_than_those_for_images(
    reader: str, run_by: Callable[[str], Finished]
) -> None:
    # Most of them are sequential: at 30 ms each, a hundred take three seconds.
    assert run_by(reader).others <= MAX_REQUESTS[reader]


def test_both_readers_give_the_same_rows(
    spark: SparkSession, run_by: Callable[[str], Finished]
) -> None:
    rows = {}
    for reader in READERS:
        table = spark.read.format("delta").load(f"{run_by(reader).output}/features")
        rows[reader] = {row.path: row for row in table.drop("run_id", "features").collect()}
    assert rows["concurrent"] == rows["s3a"]
    assert len(rows["s3a"]) == 240


def test_a_second_run_reuses_every_row(
    spark: SparkSession, run_by: Callable[[str], Finished]
) -> None:
    first = run_by("concurrent")
    through_network = RowCounter(spark, FEATURIZE_NODE)
    assert run(first.output, first.input_path, "second") == 0
    counts = summary_of(spark, first.output, "second")["counts"]
    assert (counts["featurized"], counts["reused"]) == (0, 240)
    assert through_network() == 0


def test_a_complete_run_is_not_repeated(
    spark: SparkSession, run_by: Callable[[str], Finished], capfd: pytest.CaptureFixture[str]
) -> None:
    first = run_by("concurrent")
    before = summary_of(spark, first.output, "first")
    assert run(first.output, first.input_path, "first") == 0
    assert "run first is complete already" in capfd.readouterr().err
    assert summary_of(spark, first.output, "first") == before
    assert main(["fit", "--output", first.output, "--run-id", "first"]) == 2
    assert "belongs to a complete `run`" in capfd.readouterr().err


def test_each_step_has_its_own_command(
    spark: SparkSession, run_by: Callable[[str], Finished], tmp_path: Path
) -> None:
    """Repeat the steps of `run`: fit with other components, project, export, report."""
    output = run_by("s3a").output
    assert main(["fit", "--output", output, "--components", "7"]) == 0
    rows = spark.read.parquet(f"{output}/projection")
    assert {len(row.pca) for row in rows.collect()} == {7}

    parquet, copy = str(tmp_path / "projection"), tmp_path / "report.html"
    export = ["export", "--output", output, "--format", "parquet", "--destination", parquet]
    assert main(export) == 0
    assert spark.read.parquet(parquet).count() == 240
    assert main(["report", "--output", output, "--report-copy", str(copy)]) == 0
    assert "<html" in copy.read_text()
    assert json.loads(read_text(spark, f"{output}/report/data.json"))["k"] == 7

    bundle, concurrent = f"{output}/pca", run_by("concurrent").output
    assert main(["project", "--bundle", bundle, "--output", concurrent]) == 0
    projected = {
        row.path: row.pca for row in spark.read.parquet(f"{concurrent}/projection").collect()
    }
    for row in rows.collect():
        np.testing.assert_allclose(row.pca, projected[row.path], atol=1e-4)


def test_the_notebook_shows_the_results_of_a_run(
    run_by: Callable[[str], Finished], s3: LocalS3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTPUT", run_by("concurrent").output)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
    notebook = executed(EXPLORE)
    assert figures_shown(notebook) == 4
    assert notebook.cells[-1].outputs[-1]["data"]["text/plain"] == "(240, 1280)"


def test_the_notebook_is_saved_without_outputs() -> None:
    cells = [cell for cell in nbformat.read(EXPLORE, as_version=4).cells if "outputs" in cell]
    assert len(cells) > 5
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)
