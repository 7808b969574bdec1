"""Statistics of projected images and their distance to the fit: one short vector per task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import SparkContext
from pyspark.accumulators import AccumulatorParam

from job.reduction.drift.expected_residual import fit_residual
from job.reduction.drift.reference import Region
from job.reduction.pca import Fit

Floats = npt.NDArray[np.float64]

# Histograms with a logarithmic scale: bins 2.2 % wide, from 2^-12 to 2^12 times the fit's value.
BINS_PER_OCTAVE = 32
OCTAVES = 12
BINS = 2 * OCTAVES * BINS_PER_OCTAVE


@dataclass(frozen=True)
class DistanceUnits:
    """The units of distances: 1 / variance of each component (k,), and the residual of the fit.

    Holds all that a worker needs of a fit, without its matrix.
    """

    inverse_variances: Floats
    fit_residual: float

    @classmethod
    def of(cls, fit: Fit) -> DistanceUnits:
        """The units of a fit; components whose variance is only rounding are ignored."""
        variances = fit.explained_variance[: fit.k]
        positive = variances > variances[0] * 1e-10
        inverse_variances = np.divide(1.0, variances, out=np.zeros_like(variances), where=positive)
        return cls(inverse_variances, fit_residual(fit))


@dataclass(frozen=True)
class DriftStatistics:
    """Sums over `count` images; `outside` counts those outside the region, if there is one.

    `scores` and `squares` (k,) are sums of components and of their squares, in units of the scaled
    features. `residual` is the sum of squared residuals outside the components. The histograms
    (BINS,) count the squared Mahalanobis distance in the components, divided by k, and the squared
    residual, divided by the mean of the fit: both are 1 on average for the fitted images.
    """

    count: int
    outside: int
    scores: Floats
    squares: Floats
    residual: float
    distances: Floats
    residuals: Floats

    @classmethod
    def of(
        cls, components: Floats, lengths: Floats, units: DistanceUnits, region: Region | None
    ) -> DriftStatistics:
        """Statistics of `components` (n, k); `lengths` (n,) are squared lengths of scaled rows."""
        squares = components**2
        residual = np.maximum(lengths - squares.sum(axis=1), 0)
        distances = squares @ units.inverse_variances / len(units.inverse_variances)
        residuals = residual / units.fit_residual if units.fit_residual else np.zeros_like(residual)
        return cls(
            count=len(components),
            outside=0 if region is None else int(region.excludes(distances, residuals).sum()),
            scores=components.sum(axis=0),
            squares=squares.sum(axis=0),
            residual=float(residual.sum()),
            distances=_histogram(distances),
            residuals=_histogram(residuals),
        )

    def to_vector(self) -> Floats:
        """All sums in one array (3 + 2 k + 2 BINS,); adding vectors merges statistics."""
        numbers = [self.count, self.outside, self.residual]
        return np.concatenate(
            [numbers, self.scores, self.squares, self.distances, self.residuals], dtype=np.float64
        )

    @classmethod
    def from_vector(cls, vector: Floats) -> DriftStatistics:
        """The inverse of `to_vector`; takes sums of vectors too."""
        numbers, sums = vector[:3], vector[3 : len(vector) - 2 * BINS]
        scores, squares = np.split(sums, 2)
        distances, residuals = np.split(vector[len(vector) - 2 * BINS :], 2)
        return cls(
            int(numbers[0]), int(numbers[1]), scores, squares, numbers[2], distances, residuals
        )


class Observer:
    """Collects statistics of images during a projection; the driver reads them afterwards.

    Spark counts the updates of a task once, even after retries, if the task belongs to the last
    stage of its job. A projection has one stage, because it does not shuffle.
    """

    def __init__(
        self, context: SparkContext, fit: Fit, region: Region | None, run_id: str | None
    ) -> None:
        """Count only rows of `run_id`, or all rows if it is None."""
        self._units, self._region, self._run_id = DistanceUnits.of(fit), region, run_id
        empty = np.zeros(3 + 2 * fit.k + 2 * BINS)
        self._sums = context.accumulator(empty, _Sums())

    def __call__(self, components: Floats, lengths: Floats, run_ids: pa.Array) -> None:
        """Add rows, on a worker."""
        if self._run_id is not None:
            selected = run_ids.to_numpy(zero_copy_only=False) == self._run_id
            components, lengths = components[selected], lengths[selected]
        if len(components):
            statistics = DriftStatistics.of(components, lengths, self._units, self._region)
            self._sums.add(statistics.to_vector())

    def statistics(self) -> DriftStatistics:
        """The sum over all tasks, on the driver."""
        return DriftStatistics.from_vector(self._sums.value)


class _Sums(AccumulatorParam[Floats]):
    def zero(self, value: Floats) -> Floats:
        return np.zeros_like(value)

    def addInPlace(self, value1: Floats, value2: Floats) -> Floats:
        return value1 + value2


def quantile(histogram: Floats, share: float) -> float:
    """The smallest upper edge of a bin that `share` of the counted values do not exceed."""
    reached = np.cumsum(histogram) >= share * histogram.sum()
    return upper_edge(int(np.argmax(reached)))


def upper_edge(bin_number: int) -> float:
    """The upper edge of a bin."""
    return float(2.0 ** ((bin_number + 1) / BINS_PER_OCTAVE - OCTAVES))


def _histogram(values: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        octaves = np.log2(values) + OCTAVES
    # A value on an edge belongs to the bin below; values beyond the scale go to the outer bins.
    bins = np.clip(np.ceil(octaves * BINS_PER_OCTAVE) - 1, 0, BINS - 1).astype(np.int64)
    return np.bincount(bins, minlength=BINS).astype(np.float64)
