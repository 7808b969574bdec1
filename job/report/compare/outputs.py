"""What there is to compare of one output, read from what its runs have left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from job import schemas
from job.analysis.classification.result import Result
from job.errors import InputNotFoundError
from job.layout import Layout
from job.output.summary import Summary, complete_runs
from job.output.table_files import is_table
from job.reduction.bundle import load_bundle
from job.report.classifier_section import saved_results
from job.report.collect import HadoopFiles
from job.runtime import filesystem


@dataclass(frozen=True)
class Score:
    """How well one classifier did, on `features` or `pca`; shares of 0 to 1.

    `without_near_duplicates` is the accuracy on images that training has nothing alike to.
    """

    classifier: str
    on: str
    accuracy: float
    macro_f1: float | None = None
    without_near_duplicates: float | None = None


@dataclass(frozen=True)
class Side:
    """One output; what its runs have not left is None or empty.

    `images_per_second` and `seconds` (of all stages) are of the run that has featurized most
    images, `speed_of`. `k` and `fitted_by` are of the projection, `drift` too: its findings, None
    where it was not measured. `variance_curve` holds the explained variance ratio of every
    component of the output's own fit. Sizes are in bytes, without older versions of the table.
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


def read_side(spark: SparkSession, output: str) -> Side:
    """Read one output; InputNotFoundError where it has no features."""
    layout = Layout(output)
    if not is_table(spark, layout.features):
        raise InputNotFoundError(
            f"{layout.features} does not exist",
            expected="the features of a run under each output",
            fix="check the paths, or run `image-features run` with this --output first",
        )
    output_files = HadoopFiles(spark, layout.root)
    runs = complete_runs(spark, layout)
    return Side(
        output=output,
        **_features(spark, layout, runs),
        **_speed(runs),
        **_projection(spark, layout, runs),
        variance_curve=_variance_curve(spark, layout),
        scores=[_score(each) for each in saved_results(output_files)],
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
    most = max(runs, key=lambda run: run.counts.featurized, default=None)
    if most is None or not most.counts.featurized:
        return {}
    return {
        "speed_of": most.run_id,
        "images_per_second": most.images_per_second,
        "seconds": sum(most.seconds.values()),
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


def _score(result: Result) -> Score:
    # Of a result there is a tested image.
    return Score(
        result.classifier,
        result.on,
        result.scores.accuracy or 0.0,
        result.scores.macro_f1,
        result.near_duplicates.without.accuracy,
    )
