"""Reads the values of one output that a comparison shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from job import schemas
from job.analysis.classification.result import ClassifierResult
from job.errors import InputNotFoundError
from job.layout import Layout
from job.output.summary import Summary, complete_runs
from job.output.table_files import is_table
from job.reduction.bundle import load_bundle
from job.report.classifier_section import read_results
from job.report.collect import HadoopFiles
from job.runtime import filesystem


@dataclass(frozen=True)
class Score:
    """The scores of one classifier on `features` or `pca`, 0 to 1.

    `without_near_duplicates` is the accuracy on images without a near-duplicate in training.
    """

    classifier: str
    on: str
    accuracy: float
    macro_f1: float | None = None
    without_near_duplicates: float | None = None


@dataclass(frozen=True)
class ComparedOutput:
    """One output of a comparison; values that its runs did not write are None or empty.

    `speed_of` is the run that featurized the most images; `images_per_second` and `seconds` (of
    all steps) are its speed. `k`, `fitted_by` and `drift` describe the projection; `drift` has its
    findings, None if drift was not measured. `variance_curve` has the explained variance ratio of
    every component of the output's own fit. Sizes are in bytes, without old table versions.
    """

    output: str
    fingerprint: dict[str, Any]
    images: int
    feature_count: int
    features_bytes: int
    projection_bytes: int | None = None
    speed_of: str | None = None
    images_per_second: float | None = None
    seconds: float | None = None
    k: int | None = None
    fitted_by: str | None = None
    drift: list[str] | None = None
    variance_curve: list[float] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)


def read_output(spark: SparkSession, output: str) -> ComparedOutput:
    """Read one output. Raises InputNotFoundError if it has no features."""
    layout = Layout(output)
    if not is_table(spark, layout.features):
        raise InputNotFoundError(
            f"{layout.features} does not exist",
            expected="outputs with a features table",
            fix="check the paths, or run `image-features run` with this --output first",
        )
    output_files = HadoopFiles(spark, layout.root)
    runs = complete_runs(spark, layout)
    return ComparedOutput(
        output=output,
        **_features(spark, layout, runs),
        **_speed(runs),
        **_projection(spark, layout, runs),
        variance_curve=_variance_curve(spark, layout),
        scores=[_score(result) for result in read_results(output_files)],
    )


def _features(spark: SparkSession, layout: Layout, runs: Sequence[Summary]) -> dict[str, Any]:
    table = DeltaTable.forPath(spark, layout.features)
    rows = table.toDF()
    first = rows.select(schemas.FEATURES).first()
    return {
        "fingerprint": next((run.fingerprint for run in runs[::-1] if run.fingerprint), {}),
        "images": rows.count(),
        "feature_count": 0 if first is None else len(first[0]),
        "features_bytes": int(table.detail().select("sizeInBytes").collect()[0][0]),
    }


def _speed(runs: Sequence[Summary]) -> dict[str, Any]:
    largest = max(runs, key=lambda run: run.counts.featurized, default=None)
    if largest is None or not largest.counts.featurized:
        return {}
    return {
        "speed_of": largest.run_id,
        "images_per_second": largest.images_per_second,
        "seconds": sum(largest.seconds.values()),
    }


def _projection(spark: SparkSession, layout: Layout, runs: Sequence[Summary]) -> dict[str, Any]:
    last = next((run for run in runs[::-1] if run.components), None)
    if last is None or not filesystem.exists(spark, layout.projection):
        return {}
    return {
        "projection_bytes": filesystem.size(spark, layout.projection),
        "k": last.components,
        "fitted_by": last.fitted_by,
        "drift": list(last.drift["findings"]) if last.drift.get("measured") else None,
    }


def _variance_curve(spark: SparkSession, layout: Layout) -> list[float]:
    if not filesystem.exists(spark, f"{layout.bundle}/manifest.json"):
        return []
    return load_bundle(spark, layout.bundle).manifest.explained_variance_ratio


def _score(result: ClassifierResult) -> Score:
    # A saved result has at least one test image, so its accuracy is not None.
    return Score(
        result.classifier,
        result.on,
        result.scores.accuracy or 0.0,
        result.scores.macro_f1,
        result.near_duplicates.without.accuracy,
    )
