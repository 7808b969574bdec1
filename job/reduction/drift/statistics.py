"""Sums over projected images that say how far from the fit they are: one short vector a task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import SparkContext
from pyspark.accumulators import AccumulatorParam

from job.reduction.drift.expected_residual import left_by_fit
from job.reduction.drift.reference import Region
from job.reduction.pca import Fit

Floats = npt.NDArray[np.float64]

# Histograms on a scale of powers of 2: bins 2.2 % wide, from 2^-12 to 2^12 of what the fit had.
BINS_PER_OCTAVE = 32
OCTAVES = 12
BINS = 2 * OCTAVES * BINS_PER_OCTAVE


@dataclass(frozen=True)
class Units:
    """What distances are measured in: 1 / variance of each component (k,), and what the fit left.

    All that a worker needs of a fit, without its matrix.
    """

    inverse: Floats
    left: float

    @classmethod
    def of(cls, fit: Fit) -> Units:
        """Those of a fit; a variance that is nothing but rounding counts nowhere."""
        variances = fit.explained_variance[: fit.k]
        positive = variances > variances[0] * 1e-10
        inverse = np.divide(1.0, variances, out=np.zeros_like(variances), where=positive)
        return cls(inverse, left_by_fit(fit))


@dataclass(frozen=True)
class Measured:
    """Sums over `count` images; `outside` of them lie outside the region, if there was one.

    `scores` and `squares` (k,) are sums of components and of their squares, in units of the scaled
    features. `residual` sums what is outside the components, squared. The histograms (BINS,) are of
    the squared Mahalanobis distance in the components, by k, and of the squared residual, by what
    the fit left on average: both are 1 on average for the fitted images.
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
        cls, components: Floats, lengths: Floats, units: Units, region: Region | None
    ) -> Measured:
        """Of the rows of `components` (n, k); `lengths` (n,) of the scaled rows, squared."""
        squares = components**2
        residual = np.maximum(lengths - squares.sum(axis=1), 0)
        distances = squares @ units.inverse / len(units.inverse)
        residuals = residual / units.left if units.left else np.zeros_like(residual)
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
        """All sums in one array (3 + 2 k + 2 BINS,): vectors of several parts can be added."""
        numbers = [self.count, self.outside, self.residual]
        return np.concatenate(
            [numbers, self.scores, self.squares, self.distances, self.residuals], dtype=np.float64
        )

    @classmethod
    def from_vector(cls, vector: Floats) -> Measured:
        """What `to_vector` gave, or the sum of several."""
        numbers, sums = vector[:3], vector[3 : len(vector) - 2 * BINS]
        scores, squares = np.split(sums, 2)
        distances, residuals = np.split(vector[len(vector) - 2 * BINS :], 2)
        return cls(
            int(numbers[0]), int(numbers[1]), scores, squares, numbers[2], distances, residuals
        )


class Observer:
    """Measures images while they are projected; the driver asks for `measured` afterwards.

    Spark applies what a task adds once, however often it ran, as long as the task is of the last
    stage of its job: a projection has only that one, since nothing in it shuffles.
    """

    def __init__(
        self, context: SparkContext, fit: Fit, region: Region | None, run_id: str | None
    ) -> None:
        """Of rows of `run_id` alone, unless that is None."""
        self._units, self._region, self._run_id = Units.of(fit), region, run_id
        empty = np.zeros(3 + 2 * fit.k + 2 * BINS)
        self._sums = context.accumulator(empty, _Sums())

    def __call__(self, components: Floats, lengths: Floats, run_ids: pa.Array) -> None:
        """Add rows, on a worker."""
        if self._run_id is not None:
            ours = run_ids.to_numpy(zero_copy_only=False) == self._run_id
            components, lengths = components[ours], lengths[ours]
        if len(components):
            measured = Measured.of(components, lengths, self._units, self._region)
            self._sums.add(measured.to_vector())

    def measured(self) -> Measured:
        """What all tasks have added, on the driver."""
        return Measured.from_vector(self._sums.value)


class _Sums(AccumulatorParam[Floats]):
    def zero(self, value: Floats) -> Floats:
        return np.zeros_like(value)

    def addInPlace(self, value1: Floats, value2: Floats) -> Floats:
        return value1 + value2


def quantile(histogram: Floats, share: float) -> float:
    """The least edge of a bin that `share` of the counted values do not exceed."""
    reached = np.cumsum(histogram) >= share * histogram.sum()
    return upper_edge(int(np.argmax(reached)))


def upper_edge(bin_number: int) -> float:
    """Where a bin ends."""
    return float(2.0 ** ((bin_number + 1) / BINS_PER_OCTAVE - OCTAVES))


def _histogram(values: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        octaves = np.log2(values) + OCTAVES
    # Values on an edge belong to the bin that ends there, those beyond the scale to its last bins.
    bins = np.clip(np.ceil(octaves * BINS_PER_OCTAVE) - 1, 0, BINS - 1).astype(np.int64)
    return np.bincount(bins, minlength=BINS).astype(np.float64)
