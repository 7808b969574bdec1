"""Files that a stale driver writes over those of its successor: the next run mends them.

The tables and the lease refuse a stale driver. S3 cannot refuse it a plain file.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import SparkSession

from job.cli import main
from job.reduction.bundle import load_bundle
from tests.integration.tables import features_of, summary_of

StaleWrite = Callable[[Path, Path], None]
pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture(scope="module")
def runs(
    spark: SparkSession, sample_images: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, Path]:
    """Images, an output with the fit of all of them, and a copy of it with the fit of a half."""
    folder = tmp_path_factory.mktemp("runs")
    images, output, stale = folder / "images", folder / "out", folder / "stale"
    names = sorted(sample_images.rglob("*.jpg"))[:16]
    for half, run_id in ((names[::2], "stale"), (names[1::2], "successor")):
        for image in half:
            (images / image.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(image, images / image.parent.name / image.name)
        assert main(["run", *arguments(images, output), "--run-id", run_id, "--refit"]) == 0
        if run_id == "stale":
            shutil.copytree(output, stale)
    return images, output, stale


def arguments(images: Path, output: Path) -> list[str]:
    return ["--input", str(images), "--output", str(output)]


def write_manifest_alone(output: Path, stale: Path) -> None:
    """Between them, the successor deleted the arrays that it superseded."""
    shutil.copyfile(stale / "pca" / "manifest.json", output / "pca" / "manifest.json")


def write_bundle(output: Path, stale: Path) -> None:
    shutil.rmtree(output / "pca")
    shutil.copytree(stale / "pca", output / "pca")


def write_half_a_model(output: Path, stale: Path) -> None:
    shutil.rmtree(output / "pca" / "model")
    shutil.copytree(stale / "pca" / "model" / "metadata", output / "pca" / "model" / "metadata")


def write_results(output: Path, stale: Path) -> None:
    for name in ("projection", "report"):
        shutil.rmtree(output / name)
        shutil.copytree(stale / name, output / name)
    shutil.copyfile(stale / "final_features.csv", output / "final_features.csv")


@pytest.mark.parametrize(
    "write",
    [
        write_manifest_alone,
        write_half_a_model,
        pytest.param(write_bundle, marks=pytest.mark.slow),
        pytest.param(write_results, marks=pytest.mark.slow),
    ],
)
def test_the_next_run_leaves_files_that_agree(
    spark: SparkSession, runs: tuple[Path, Path, Path], tmp_path: Path, write: StaleWrite
) -> None:
    images, made, stale = runs
    output = shutil.copytree(made, tmp_path / "out")
    write(output, stale)
    assert main(["run", *arguments(images, output), "--run-id", "next"]) == 0

    bundle = load_bundle(spark, f"{output}/pca")
    assert PipelineModel.load(f"{output}/pca/model").uid == bundle.manifest.model_uid
    summary = summary_of(spark, str(output), "next")
    assert summary["fitted_by"] == bundle.manifest.run_id
    features = features_of(spark, str(output))
    rows = {row.path: row.pca for row in spark.read.parquet(f"{output}/projection").collect()}
    assert rows.keys() == features.keys()
    std = np.where(bundle.fit.std == 0, 1, bundle.fit.std)
    for path, pca in rows.items():
        scaled = (np.array(features[path]) - bundle.fit.mean) / std
        np.testing.assert_allclose(pca, scaled @ bundle.fit.components, rtol=1e-3, atol=1e-3)
    with (output / "final_features.csv").open(newline="") as file:
        assert {line["path"] for line in csv.DictReader(file)} == rows.keys()
    assert "next" in (output / "report" / "index.html").read_text()
