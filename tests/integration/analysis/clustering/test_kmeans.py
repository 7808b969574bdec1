"""Clusters that can be computed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from job.analysis.clustering.agreement import Cell
from job.analysis.clustering.cluster import cluster
from job.analysis.clustering.result import ClusterResult
from job.config import ClusterConfig
from job.errors import InvalidValueError
from job.output.summary import Summary
from job.schemas import PROJECTION_SCHEMA

Images = list[tuple[str, str | None, list[float]]]


def run_cluster(
    spark: SparkSession, images: Images, path: Path, clusters: int | None = None
) -> ClusterResult:
    projection = spark.createDataFrame(images, PROJECTION_SCHEMA)
    summary = Summary("r1", "cluster", None, "out", "now")
    return cluster(projection, ClusterConfig("out", clusters, restarts=2), str(path), summary)


def test_two_groups_far_apart_are_the_clusters(spark: SparkSession, tmp_path: Path) -> None:
    images: Images = [("a1", "a", [0.0, 0.0]), ("a2", "a", [0.0, 1.0])]
    images += [("b1", "b", [9.0, 0.0]), ("b2", "b", [9.0, 1.0]), ("x", None, [9.0, 0.5])]
    result = run_cluster(spark, images, tmp_path)

    assert (result.clusters, result.clusters_found) == (2, 2)
    assert result.adjusted_rand_index == result.normalized_mutual_information == 1.0
    a, b = (next(main.cluster for main in result.labels if main.label == name) for name in "ab")
    assert result.contingency == [Cell("a", a, 2), Cell("b", b, 2), Cell(None, b, 1)]
    # Four images are half a unit from their centres.
    assert result.sum_of_squares == pytest.approx(1.0)


def test_identical_images_form_one_cluster(spark: SparkSession, tmp_path: Path) -> None:
    result = run_cluster(spark, [("1", "a", [1.0]), ("2", "b", [1.0])], tmp_path)
    assert (result.clusters, result.clusters_found) == (2, 1)
    assert result.silhouette is None
    assert result.adjusted_rand_index == 0.0


def test_a_single_label_gives_no_default_number_of_clusters(
    spark: SparkSession, tmp_path: Path
) -> None:
    images: Images = [("1", "a", [1.0]), ("2", "a", [2.0]), ("3", None, [3.0])]
    with pytest.raises(InvalidValueError, match="the images have 1 label"):
        run_cluster(spark, images, tmp_path)
    assert run_cluster(spark, images, tmp_path, clusters=2).clusters_found == 2
