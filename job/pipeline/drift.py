"""Measures the drift of projected images, and stores the result."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame

from job.config import DriftConfig
from job.errors import DriftError, IncompatibleBundleError
from job.output.parquet_export import write_parquet
from job.output.tables import Tables
from job.reduction.bundle import Bundle, save_drift
from job.reduction.drift.detection import Drift, detect_drift, fitted_region
from job.reduction.drift.expected_residual import expected_residual
from job.reduction.drift.reference import Reference, Thresholds, override_thresholds
from job.reduction.drift.statistics import DriftStatistics, Observer
from job.reduction.pca import Fit
from job.reduction.projection import project
from job.runtime import filesystem
from job.runtime.retries import retried


@dataclass(frozen=True)
class DriftScope:
    """The rows of a projection whose drift is measured: all rows, or only those of `run_id`.

    `of_fit` says that they are the rows of the fit itself: their region becomes the reference for
    later rows. `reference` is None for a bundle of a release that did not measure drift.
    """

    bundle: Bundle
    reference: Reference | None
    of_fit: bool
    run_id: str | None


def new_reference(fitted: Fit, earlier: Bundle | None, config: DriftConfig) -> dict[str, Any]:
    """The drift reference of a new fit; thresholds that `config` leaves out stay the same."""
    thresholds = Thresholds()
    # A new fit replaces a damaged reference.
    with suppress(IncompatibleBundleError):
        reference = reference_of(earlier) if earlier is not None else None
        thresholds = reference.thresholds if reference is not None else thresholds
    thresholds = override_thresholds(thresholds, asdict(config))
    return Reference(thresholds, expected_residual(fitted)).to_dict()


def update_thresholds(tables: Tables, bundle: Bundle, config: DriftConfig) -> Bundle:
    """The bundle with the thresholds of `config`, which are saved in its manifest."""
    reference = reference_of(bundle)
    if reference is None:
        return bundle
    thresholds = override_thresholds(reference.thresholds, asdict(config))
    if thresholds == reference.thresholds:
        return bundle
    return save_drift(tables.spark, bundle, replace(reference, thresholds=thresholds).to_dict())


def reference_of(bundle: Bundle) -> Reference | None:
    """The drift reference of a bundle. Raises IncompatibleBundleError if it is damaged."""
    values = bundle.manifest.drift
    if values is None:
        return None
    try:
        return Reference.from_dict(values)
    except (KeyError, TypeError, ValueError) as error:
        raise IncompatibleBundleError(
            f"{bundle.path}/manifest.json has another `drift` than this program writes: {error}",
            expected="thresholds, expected_residual and region",
            fix="correct it, or run `image-features fit` again",
        ) from error


def drift_scope(tables: Tables, bundle: Bundle) -> DriftScope:
    """The rows to measure: only new rows for an earlier fit of this output, else all rows."""
    own = bundle.path == tables.layout.bundle
    of_fit = own and bundle.manifest.run_id == tables.run_id
    run_id = tables.run_id if own and not of_fit else None
    return DriftScope(bundle, reference_of(bundle), of_fit, run_id)


@retried
def write_projection(
    tables: Tables, features: DataFrame, rows: int, scope: DriftScope
) -> DriftStatistics:
    """Write the projection of `features`, and measure drift in the same pass."""
    fit = scope.bundle.fit
    region = None if scope.reference is None else scope.reference.region
    observer = Observer(tables.spark.sparkContext, fit, region, scope.run_id)
    write_parquet(project(features, fit, observer), rows, tables.layout.projection)
    return observer.statistics()


@retried
def store_drift(
    tables: Tables, scope: DriftScope, statistics: DriftStatistics, images: int
) -> dict[str, Any]:
    """Store the drift, or the reference of a new fit; returns the drift for the summary."""
    reason = _why_not_measured(scope, statistics, images)
    if reason:
        return {"measured": False, "why": reason}
    reference, bundle = scope.reference, scope.bundle
    assert reference is not None
    if scope.of_fit:
        region = fitted_region(statistics, reference.expected_residual)
        save_drift(tables.spark, bundle, replace(reference, region=region).to_dict())
        return {"measured": False, "why": "these are the images of the fit"}
    drift = _detect(tables, scope, statistics, reference)
    path = tables.layout.drift(drift.run_id)
    filesystem.write_bytes(tables.spark, path, drift.to_json().encode())
    return drift.brief()


def require_no_drift(drift: Mapping[str, Any], bundle: str) -> None:
    """Raise DriftError if the summary's `drift` has findings."""
    findings = drift.get("findings")
    if findings:
        raise DriftError(
            f"the new images drift from those of {bundle}: {'; '.join(findings)}; all is written",
            expected="images like those of the fit",
            fix="look at the report; if the images are right, fit again or raise the threshold",
        )


def _why_not_measured(scope: DriftScope, statistics: DriftStatistics, images: int) -> str:
    if scope.reference is None:
        return "the fit is from a release that kept nothing to compare with; use --refit"
    if statistics.count != images:
        return f"{statistics.count:,} of {images:,} images were seen"
    if images == 0:
        return "no new images"
    if scope.reference.region is None and not scope.of_fit:
        return "the run of the fit died before it had projected its own images; use --refit"
    return ""


def _detect(
    tables: Tables, scope: DriftScope, statistics: DriftStatistics, reference: Reference
) -> Drift:
    assert reference.region is not None
    bundle = scope.bundle
    return detect_drift(
        statistics,
        bundle.fit,
        reference,
        reference.region,
        run_id=tables.run_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        bundle=bundle.path,
        fitted_by=bundle.manifest.run_id,
    )
