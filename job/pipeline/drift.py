"""Which images of a projection are watched for drift, and what is kept of what they show."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame

from job.config import DriftConfig
from job.errors import DriftError, IncompatibleBundleError
from job.output import exports
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
class Watch:
    """The rows of one projection that are measured: all, or those of `run_id` alone.

    `of_fit` says that they are the rows of the fit itself: where they lie is the reference of
    later ones. `reference` is None for a bundle that is older than this measure.
    """

    bundle: Bundle
    reference: Reference | None
    of_fit: bool
    run_id: str | None


def new_reference(fitted: Fit, earlier: Bundle | None, given: DriftConfig) -> dict[str, Any]:
    """What the manifest of a new fit says of drift: thresholds stay until others are given."""
    thresholds = Thresholds()
    # A damaged one is mended by fitting again.
    with suppress(IncompatibleBundleError):
        before = reference_of(earlier) if earlier is not None else None
        thresholds = before.thresholds if before is not None else thresholds
    thresholds = override_thresholds(thresholds, asdict(given))
    return Reference(thresholds, expected_residual(fitted)).to_dict()


def with_thresholds(tables: Tables, bundle: Bundle, given: DriftConfig) -> Bundle:
    """The bundle of this output with the thresholds that are given, in its manifest too."""
    reference = reference_of(bundle)
    if reference is None:
        return bundle
    thresholds = override_thresholds(reference.thresholds, asdict(given))
    if thresholds == reference.thresholds:
        return bundle
    return save_drift(tables.spark, bundle, replace(reference, thresholds=thresholds).to_dict())


def reference_of(bundle: Bundle) -> Reference | None:
    """What the bundle's manifest says of drift. IncompatibleBundleError where that is damaged."""
    values = bundle.manifest.drift
    if values is None:
        return None
    try:
        return Reference.from_dict(values)
    except (KeyError, TypeError, ValueError) as error:
        raise IncompatibleBundleError(
            f"{bundle.path}/manifest.json has another `drift` than this program writes: {error}",
            expected="thresholds, expected_residual and region",
            fix="mend it, or run `image-features fit` again",
        ) from error


def watch(tables: Tables, bundle: Bundle) -> Watch:
    """Who is measured: of a fit of this run all, of a kept one what is new, of another's all."""
    own = bundle.path == tables.layout.bundle
    of_fit = own and bundle.manifest.run_id == tables.run_id
    run_id = tables.run_id if own and not of_fit else None
    return Watch(bundle, reference_of(bundle), of_fit, run_id)


@retried
def write_watched(
    tables: Tables, features: DataFrame, rows: int, watched: Watch
) -> DriftStatistics:
    """Write the projection of `features`, and measure in the same pass."""
    fit = watched.bundle.fit
    region = None if watched.reference is None else watched.reference.region
    observer = Observer(tables.spark.sparkContext, fit, region, watched.run_id)
    exports.write_parquet(project(features, fit, observer), rows, tables.layout.projection)
    return observer.statistics()


@retried
def kept_drift(
    tables: Tables, watched: Watch, measured: DriftStatistics, images: int
) -> dict[str, Any]:
    """What the summary says of drift; it is kept beside it, or in the manifest if of the fit."""
    why_not = _why_not_measured(watched, measured, images)
    if why_not:
        return {"measured": False, "why": why_not}
    reference, bundle = watched.reference, watched.bundle
    assert reference is not None
    if watched.of_fit:
        region = fitted_region(measured, reference.expected_residual)
        save_drift(tables.spark, bundle, replace(reference, region=region).to_dict())
        return {"measured": False, "why": "these are the images of the fit"}
    drift = _judged(tables, watched, measured, reference)
    path = tables.layout.drift(drift.run_id)
    filesystem.write_bytes(tables.spark, path, drift.to_json().encode())
    return drift.brief()


def require_no_drift(drift: Mapping[str, Any], bundle: str) -> None:
    """Raise DriftError where the summary's `drift` has findings."""
    findings = drift.get("findings")
    if findings:
        raise DriftError(
            f"the new images drift from those of {bundle}: {'; '.join(findings)}; all is written",
            expected="images like those of the fit",
            fix="look at the report; if they are right, fit again or raise the threshold",
        )


def _why_not_measured(watched: Watch, measured: DriftStatistics, images: int) -> str:
    if watched.reference is None:
        return "the fit is of a version that kept nothing to compare with; --refit does"
    if measured.count != images:
        return f"{measured.count:,} of {images:,} images were seen"
    if images == 0:
        return "no new images"
    if watched.reference.region is None and not watched.of_fit:
        return "the run that fitted died before it had projected its own images; --refit does"
    return ""


def _judged(
    tables: Tables, watched: Watch, measured: DriftStatistics, reference: Reference
) -> Drift:
    assert reference.region is not None
    bundle = watched.bundle
    return detect_drift(
        measured,
        bundle.fit,
        reference,
        reference.region,
        run_id=tables.run_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        bundle=bundle.path,
        fitted_by=bundle.manifest.run_id,
    )
