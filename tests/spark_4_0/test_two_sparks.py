"""Spark 4.0 and the Spark of the image run the job, and go on with each other's outputs."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deltalake import DeltaTable

from job.deploy.lint.known_settings import known_settings
from tests.support.releases import Release, this_release

SPARK_4_0 = "4.0.2"


@dataclass(frozen=True)
class Day:
    """What one run has left: its summary, the manifest of the fit, features by path."""

    summary: dict[str, Any]
    manifest: dict[str, Any]
    features: dict[str, np.ndarray[Any, np.dtype[np.float32]]]


@pytest.fixture(scope="module", params=["4.0 first", "4.0 second"])
def days(
    request: pytest.FixtureRequest,
    on_spark_4_0: Release,
    sample_images: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Day]:
    """One output, each day with the other Spark: first run, daily run, new fit, another fit."""
    folder = tmp_path_factory.mktemp("days")
    images, output = folder / "images", folder / "output"
    for variety in sorted(sample_images.iterdir())[:2]:
        shutil.copytree(variety, images / variety.name)
    (images / "damaged.jpg").write_bytes(b"no image")
    sparks = [on_spark_4_0, this_release()]
    first, second = sparks if request.param == "4.0 first" else sparks[::-1]

    def day(spark: Release, run_id: str, *options: str) -> Day:
        paths = ["--input", str(images), "--output", str(output), "--run-id", run_id]
        spark.run("run", *paths, "--max-bad-fraction", "0.1", *options)
        rows = DeltaTable(output / "features").to_pyarrow_table(columns=["path", "features"])
        features = map(np.float32, rows["features"].to_pylist())
        return Day(
            json.loads((output / "runs" / f"{run_id}.json").read_text()),
            json.loads((output / "pca" / "manifest.json").read_text()),
            dict(zip(rows["path"].to_pylist(), features, strict=True)),
        )

    days = [day(first, "first")]
    changed, deleted, *unchanged = sorted(images.glob("*/*.jpg"))
    changed.write_bytes(unchanged[0].read_bytes())
    deleted.unlink()
    days.append(day(second, "second"))
    days.append(day(first, "third", "--components", "3"))
    days.append(day(second, "fourth", "--components", "4"))
    return days


def test_each_day_runs_on_the_other_spark(days: list[Day]) -> None:
    versions = [day.summary["versions"]["pyspark"] for day in days]
    assert versions[:2] == versions[2:]
    assert set(versions) == {SPARK_4_0, known_settings().spark_version}


def test_a_daily_run_keeps_the_rows_of_the_other_spark(days: list[Day]) -> None:
    names = ("listed", "featurized", "reused", "quarantined", "dropped")
    counts = [[day.summary["counts"][name] for name in names] for day in days]
    assert counts == [[41, 40, 0, 1, 0], [40, 1, 38, 1, 1], [40, 0, 39, 1, 0], [40, 0, 39, 1, 0]]
    kept = days[0].features.keys() & days[1].features.keys()
    assert len(kept) == 39
    same = [np.array_equal(days[0].features[path], days[1].features[path]) for path in kept]
    assert sum(same) == 38


def test_a_new_fit_starts_from_the_moments_of_the_other_spark(days: list[Day]) -> None:
    first, second, third, _ = (day.summary for day in days)
    assert [first["fitted_by"], second["fitted_by"]] == ["first", "first"]
    assert second["drift"]["measured"]
    assert (third["fitted_by"], third["components"]) == ("third", 3)


def test_both_sparks_make_the_same_components(days: list[Day]) -> None:
    third, fourth = (day.manifest for day in days[2:])
    assert (third["k"], fourth["k"]) == (3, 4)
    ratios = third["explained_variance_ratio"], fourth["explained_variance_ratio"]
    np.testing.assert_allclose(*ratios, rtol=1e-6, atol=1e-9)
