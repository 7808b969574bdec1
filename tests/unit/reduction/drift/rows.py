"""Rows of one distribution, a fit on some of them, and the drift of others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from job.reduction.drift.detection import Drift, detect_drift, fitted_region
from job.reduction.drift.expected_residual import expected_residual
from job.reduction.drift.reference import Reference, Region, Thresholds
from job.reduction.drift.statistics import DistanceUnits, DriftStatistics
from job.reduction.moments import Moments
from job.reduction.pca import Fit, fit

Floats = npt.NDArray[np.float64]


def rows(count: int, columns: int = 30, seed: int = 1) -> Floats:
    """Correlated rows with descending variances, as in features; `seed` selects the sample."""
    mixing = np.random.default_rng(0).normal(size=(columns, columns))
    scales = 1 / np.arange(1, columns + 1)
    return np.random.default_rng(seed).normal(size=(count, columns)) * scales @ mixing + 5


def fitted(of: Floats, components: int = 6) -> Fit:
    return fit(Moments.of(of), components=components)


def projected(new: Floats, by: Fit) -> tuple[Floats, Floats]:
    """Components (n, k), and squared lengths (n,) of the scaled rows."""
    scaled = (new - by.mean) * by.scale
    return scaled @ by.components, (scaled**2).sum(axis=1)


def statistics(new: Floats, by: Fit, region: Region | None = None) -> DriftStatistics:
    return DriftStatistics.of(*projected(new, by), DistanceUnits.of(by), region)


def reference(of: Floats, by: Fit, thresholds: Thresholds | None = None) -> Reference:
    expected = expected_residual(by)
    region = fitted_region(statistics(of, by), expected)
    return Reference(thresholds or Thresholds(), expected, region)


def drift(new: Floats, of: Floats, by: Fit, thresholds: Thresholds | None = None) -> Drift:
    """The drift of `new` from a fit on the rows `of`."""
    drift_reference = reference(of, by, thresholds)
    assert drift_reference.region is not None
    new_statistics = statistics(new, by, drift_reference.region)
    identity = {"run_id": "r2", "created": "2026-01-02T03:04:05+00:00"}
    return detect_drift(
        new_statistics,
        by,
        drift_reference,
        drift_reference.region,
        bundle="s3a://b/pca",
        fitted_by="r1",
        **identity,
    )
