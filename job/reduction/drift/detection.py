"""Compares new images with a reference: how far they drifted, and what counts as a finding."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from job.reduction.drift.expected_residual import fit_residual
from job.reduction.drift.reference import Reference, Region
from job.reduction.drift.statistics import DistanceUnits, DriftStatistics, quantile
from job.reduction.pca import Fit
from job.runtime.formatting import count_text, percent_text

Floats = npt.NDArray[np.float64]

REGION_SHARE = 0.99
# The rate of false findings: at most one in a hundred measures of images like the fitted ones.
_CHANCE = 0.01
_ONE_SIDED = NormalDist().inv_cdf(1 - _CHANCE)


@dataclass(frozen=True)
class Measure:
    """One measure of drift; `certain` is the part that sampling error does not explain.

    A measure with `judged` False is never a finding: the fit has too little data for it.
    """

    value: float
    certain: float
    threshold: float
    judged: bool = True

    @property
    def is_finding(self) -> bool:
        """Whether the measure exceeds its threshold beyond sampling error."""
        return self.judged and self.certain > self.threshold


@dataclass(frozen=True)
class Drift:
    """How the `images` of one run differ from those of the fit.

    `component` (from 1) moved most; `shifts` and `sampling_errors` (k) are those of all components,
    in standard deviations of the fitted component. `residual` is the mean squared residual as a
    multiple of the fit's, `expected_residual` its expected value for images like the fitted ones.
    """

    run_id: str
    created: str
    bundle: str
    fitted_by: str
    images: int
    mean_shift: Measure
    reconstruction: Measure
    outside: Measure
    component: int
    residual: float
    expected_residual: float
    shifts: list[float]
    sampling_errors: list[float]

    def findings(self) -> list[str]:
        """One sentence for each finding."""
        texts = [
            (self.mean_shift, self._mean_shift_text()),
            (self.reconstruction, self._reconstruction_text()),
            (self.outside, self._outside_text()),
        ]
        return [text for measure, text in texts if measure.is_finding]

    def brief(self) -> dict[str, Any]:
        """The values for the summary, without the lists of all components."""
        values = asdict(self)
        del values["shifts"], values["sampling_errors"]
        return {"measured": True, **values, "findings": self.findings()}

    def to_json(self) -> str:
        """All values and the findings."""
        return json.dumps({**asdict(self), "findings": self.findings()}, indent=2, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Drift:
        """The inverse of `to_json`. Raises ValueError for any other text."""
        try:
            values = {**json.loads(text)}
            del values["findings"]
            for name in ("mean_shift", "reconstruction", "outside"):
                values[name] = Measure(**values[name])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not the drift of a run: {error}") from error

    def _mean_shift_text(self) -> str:
        shift = self.mean_shift
        return (
            f"component {self.component} has moved by {shift.value:.2f} standard deviations "
            f"({shift.certain:.2f} beyond sampling error, threshold {shift.threshold:g})"
        )

    def _reconstruction_text(self) -> str:
        missed = self.reconstruction
        return (
            f"the components miss {missed.value:.1f} times what they would of images like the "
            f"fitted ones (at least {missed.certain:.1f}, threshold {missed.threshold:g})"
        )

    def _outside_text(self) -> str:
        share = self.outside
        return (
            f"{percent_text(share.value)} of {count_text(self.images)} images lie outside the "
            f"fitted region (at least {percent_text(share.certain)}, "
            f"threshold {percent_text(share.threshold)})"
        )


def fitted_region(statistics: DriftStatistics, expected_residual: float) -> Region:
    """The region of the fitted images, from their statistics."""
    return Region(
        distance=quantile(statistics.distances, REGION_SHARE),
        residual=quantile(statistics.residuals, REGION_SHARE) * expected_residual,
        residual_median=quantile(statistics.residuals, 0.5),
    )


def detect_drift(
    statistics: DriftStatistics, fit: Fit, reference: Reference, region: Region, **identity: str
) -> Drift:
    """The drift of at least one image; `identity` is run_id, created, bundle and fitted_by."""
    thresholds = reference.thresholds
    shifts, errors = mean_shifts(statistics, fit)
    certain = np.abs(shifts) - _critical_value(len(shifts)) * errors
    largest = int(certain.argmax())
    residual = fit_residual(fit)
    return Drift(
        images=statistics.count,
        mean_shift=Measure(
            float(abs(shifts[largest])), max(0.0, float(certain[largest])), thresholds.mean_shift
        ),
        reconstruction=_reconstruction_measure(statistics, reference, region, judged=residual > 0),
        outside=_outside_measure(statistics, thresholds.outside, judged=fit.count > len(fit.mean)),
        component=largest + 1,
        residual=statistics.residual / statistics.count / residual if residual else 0.0,
        expected_residual=reference.expected_residual,
        shifts=shifts.tolist(),
        sampling_errors=errors.tolist(),
        **identity,
    )


def mean_shifts(statistics: DriftStatistics, fit: Fit) -> tuple[Floats, Floats]:
    """The shift of each component's mean (k,) and its standard error (k,).

    Both in standard deviations of the fitted component. The error includes both means, fitted and
    new, and uses the larger of both variances: a few new images may be alike by chance. Assumes
    independent images.
    """
    inverse = DistanceUnits.of(fit).inverse_variances
    means = statistics.scores / statistics.count * np.sqrt(inverse)
    variances = statistics.squares / statistics.count * inverse - means**2
    errors = np.sqrt(np.maximum(variances, 1.0) / statistics.count + 1 / fit.count)
    return means, errors


def _reconstruction_measure(
    statistics: DriftStatistics, reference: Reference, region: Region, *, judged: bool
) -> Measure:
    """The ratio of medians, with an order statistic as confidence bound.

    Columns that hardly varied in the fit dominate the mean: one image that moves them counts like
    hundreds.
    """
    unit = region.residual_median * reference.expected_residual
    lower = 0.5 - _ONE_SIDED * 0.5 / np.sqrt(statistics.count)
    return Measure(
        quantile(statistics.residuals, 0.5) / unit,
        quantile(statistics.residuals, lower) / unit if lower > 0 else 0.0,
        reference.thresholds.reconstruction,
        judged,
    )


def _outside_measure(statistics: DriftStatistics, threshold: float, *, judged: bool) -> Measure:
    share = statistics.outside / statistics.count
    return Measure(share, _share_lower_bound(share, statistics.count), threshold, judged)


def _share_lower_bound(share: float, count: int) -> float:
    """The lower bound of a share. Wilson, "Probable inference", JASA 22 (1927)."""
    z = _ONE_SIDED
    centre = share + z**2 / (2 * count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return max(0.0, float((centre - half) / (1 + z**2 / count)))


def _critical_value(comparisons: int) -> float:
    """The critical value of several two-sided comparisons, in standard errors (Bonferroni)."""
    return NormalDist().inv_cdf(1 - _CHANCE / 2 / comparisons)
