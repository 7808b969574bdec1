"""`image-features cluster` on real images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.ml.clustering import KMeansModel
from pyspark.ml.functions import array_to_vector
from pyspark.sql import Row, SparkSession
from sklearn import metrics
from sklearn.cluster import KMeans

from job import schemas
from job.cli import main
from job.deploy.local.s3_server import LocalS3Server
from tests.integration.conftest import Fruits
from tests.integration.tables import read_text, summary_of

pytestmark = pytest.mark.slow

OPTIONS = ["--seed", "3"]


@pytest.fixture(scope="module")
def output(fruits: Fruits, s3: LocalS3Server, module_bucket: str) -> str:
    """The output of four varieties in a bucket, clustered."""
    s3.upload_folder(fruits.output, module_bucket, "output/")
    path = f"s3a://{module_bucket}/output"
    assert main(["cluster", "--output", path, "--run-id", "clusters", *OPTIONS]) == 0
    return path


@pytest.fixture(scope="module")
def result(spark: SparkSession, output: str) -> dict[str, Any]:
    return dict(json.loads(read_text(spark, f"{output}/clusters/result.json")))


@pytest.fixture(scope="module")
def rows(spark: SparkSession, output: str) -> list[Row]:
    """Path, label, pca and cluster of each image."""
    assignments = spark.read.parquet(f"{output}/clusters/assignments")
    projection = spark.read.parquet(f"{output}/projection").drop("label")
    return assignments.join(projection, "path", how="inner").collect()


def test_every_projected_image_has_a_cluster(
    spark: SparkSession, output: str, rows: list[Row]
) -> None:
    assignments = spark.read.parquet(f"{output}/clusters/assignments")
    assert assignments.schema.simpleString() == schemas.ASSIGNMENTS_SCHEMA.simpleString()
    assert assignments.count() == len(rows) == 40
    # The default number of clusters is the number of labels.
    assert {row.cluster for row in rows} == {0, 1, 2, 3}


def test_the_measures_match_scikit_learn(result: dict[str, Any], rows: list[Row]) -> None:
    labels, clusters = [row.label for row in rows], [row.cluster for row in rows]
    assert result["adjusted_rand_index"] == pytest.approx(
        metrics.adjusted_rand_score(labels, clusters)
    )
    assert result["normalized_mutual_information"] == pytest.approx(
        metrics.normalized_mutual_info_score(labels, clusters)
    )
    components = np.array([row.pca for row in rows])
    silhouette = metrics.silhouette_score(components, clusters, metric="sqeuclidean")
    assert result["silhouette"] == pytest.approx(silhouette, abs=1e-6)
    centres = np.array([components[np.array(clusters) == n].mean(axis=0) for n in range(4)])
    spread = ((components - centres[clusters]) ** 2).sum()
    assert result["sum_of_squares"] == pytest.approx(spread, rel=1e-4)
    reference = KMeans(4, n_init=10, random_state=0).fit(components)
    assert result["sum_of_squares"] < 1.2 * reference.inertia_


def test_the_features_separate_four_varieties(result: dict[str, Any]) -> None:
    assert result["adjusted_rand_index"] > 0.2


def test_the_result_describes_the_run(
    spark: SparkSession, output: str, result: dict[str, Any], rows: list[Row]
) -> None:
    assert (result["clusters"], result["clusters_found"], result["seed"]) == (4, 4, 3)
    assert (result["images"], result["components"]) == (40, len(rows[0].pca))
    assert result["fingerprint"]["backbone"] == "mobilenet_v2"
    assert result["versions"]["spark"] == spark.version
    assert result["run_id"] == "clusters"
    assert summary_of(spark, output, "clusters")["status"] == "complete"
    for cell in result["contingency"]:
        same = [r for r in rows if (r.label, r.cluster) == (cell["label"], cell["cluster"])]
        assert len(same) == cell["images"] > 0
    assert sum(cell["images"] for cell in result["contingency"]) == 40
    assert len(result["labels"]) == 4


def test_the_saved_model_gives_the_same_clusters(
    spark: SparkSession, output: str, rows: list[Row]
) -> None:
    model = KMeansModel.load(f"{output}/clusters/model")
    projection = spark.read.parquet(f"{output}/projection")
    again = model.transform(projection.withColumn("pca_vector", array_to_vector("pca"))).collect()
    assert {row.path: row.cluster for row in again} == {row.path: row.cluster for row in rows}


def test_the_report_shows_the_clusters(output: str, tmp_path: Path) -> None:
    copy = tmp_path / "report.html"
    assert main(["report", "--output", output, "--report-copy", str(copy)]) == 0
    page = copy.read_text()
    assert "k-means grouped the 40 images into 4 clusters" in page
    assert "All 40 images are shown." in page


def test_the_same_seed_gives_the_same_clusters_and_another_run_replaces_them(
    spark: SparkSession, output: str, rows: list[Row]
) -> None:
    """Runs last: clusters again with the same options, then with another number of clusters."""
    assert main(["cluster", "--output", output, *OPTIONS]) == 0
    again = spark.read.parquet(f"{output}/clusters/assignments").collect()
    assert {row.path: row.cluster for row in again} == {row.path: row.cluster for row in rows}

    assert main(["cluster", "--output", output, "--clusters", "2", "--restarts", "1"]) == 0
    result = json.loads(read_text(spark, f"{output}/clusters/result.json"))
    assert (result["clusters"], result["seed"], result["starts"]) == (2, 0, 1)
    assert len(KMeansModel.load(f"{output}/clusters/model").clusterCenters()) == 2


@pytest.fixture
def fails(capfd: pytest.CaptureFixture[str], spark: SparkSession) -> Callable[..., str]:
    def run(exit_code: int, *arguments: str) -> str:
        capfd.readouterr()
        assert main(["cluster", *arguments]) == exit_code
        (line,) = [
            line
            for line in capfd.readouterr().err.splitlines()
            if line.startswith("image-features: ")
        ]
        assert "fix: " in line
        return line

    return run


def test_user_errors_print_one_line(
    fails: Callable[..., str], fruits: Fruits, tmp_path: Path
) -> None:
    output = shutil.copytree(fruits.output, tmp_path / "output")
    assert "--clusters is 1;" in fails(2, "--output", str(output), "--clusters", "1")
    message = fails(2, "--output", str(output), "--clusters", "41")
    assert "--clusters is 41, but 40 images are projected" in message
    assert "projection" in fails(3, "--output", str(tmp_path / "nothing"))
    assert not (output / "clusters").exists()
