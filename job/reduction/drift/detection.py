"""Measured images against a reference: how far they drifted, and what of that is a finding."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from job.reduction.drift.expected_residual import left_by_fit
from job.reduction.drift.reference import Reference, Region
from job.reduction.drift.statistics import Measured, Units, quantile
from job.reduction.pca import Fit
from job.runtime.formatting import count_text, percent_text

Floats = npt.NDArray[np.float64]

REGION_SHARE = 0.99
# Findings by chance alone: at most one in a hundred measures of images that are like the fitted.
_CHANCE = 0.01
_ONE_SIDED = NormalDist().inv_cdf(1 - _CHANCE)


@dataclass(frozen=True)
class Measure:
    """One number; `certain` is what of it sampling error does not explain.

    A measure that is not `judged` is never a finding: the fit says too little about it.
    """

    value: float
    certain: float
    threshold: float
    judged: bool = True

    @property
    def found(self) -> bool:
        """Whether it is a finding."""
        return self.judged and self.certain > self.threshold


@dataclass(frozen=True)
class Drift:
    """How the `images` of one run differ from those of the fit.

    `component` (from 1) has moved most; `shifts` and `sampling_errors` (k) are of all, in standard
    deviations of the fitted component. `residual` is the mean squared residual as a share of what
    the fit left, `expected_residual` what it would be for new images like the fitted ones.
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
        """What is found, in words."""
        told = [
            (self.mean_shift, self._mean_shift_text()),
            (self.reconstruction, self._reconstruction_text()),
            (self.outside, self._outside_text()),
        ]
        return [text for measure, text in told if measure.found]

    def brief(self) -> dict[str, Any]:
        """Without the lists of all components, for the summary."""
        values = asdict(self)
        del values["shifts"], values["sampling_errors"]
        return {"measured": True, **values, "findings": self.findings()}

    def to_json(self) -> str:
        """All of it, and the findings."""
        return json.dumps({**asdict(self), "findings": self.findings()}, indent=2, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Drift:
        """What `to_json` wrote. Raises ValueError for anything else."""
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


def region_of(measured: Measured, expected_residual: float) -> Region:
    """Where the images lie that were measured: those of the fit."""
    return Region(
        distance=quantile(measured.distances, REGION_SHARE),
        residual=quantile(measured.residuals, REGION_SHARE) * expected_residual,
        residual_median=quantile(measured.residuals, 0.5),
    )


def judge(measured: Measured, fit: Fit, reference: Reference, region: Region, **of: str) -> Drift:
    """The drift of at least one image; `of` names run_id, created, bundle and fitted_by."""
    thresholds = reference.thresholds
    shifts, errors = mean_shifts(measured, fit)
    certain = np.abs(shifts) - _two_sided(len(shifts)) * errors
    most = int(certain.argmax())
    left = left_by_fit(fit)
    return Drift(
        images=measured.count,
        mean_shift=Measure(
            float(abs(shifts[most])), max(0.0, float(certain[most])), thresholds.mean_shift
        ),
        reconstruction=_reconstruction(measured, reference, region, judged=left > 0),
        outside=_outside(measured, thresholds.outside, judged=fit.count > len(fit.mean)),
        component=most + 1,
        residual=measured.residual / measured.count / left if left else 0.0,
        expected_residual=reference.expected_residual,
        shifts=shifts.tolist(),
        sampling_errors=errors.tolist(),
        **of,
    )


def mean_shifts(measured: Measured, fit: Fit) -> tuple[Floats, Floats]:
    """How far each component's mean has moved (k,), and the standard error of that (k,).

    Both in standard deviations of the fitted component. The error counts both means, fitted and
    new; the variance of the new images is theirs or the fitted, whichever is larger, as few images
    may be alike by chance. Images count as independent.
    """
    inverse = Units.of(fit).inverse
    means = measured.scores / measured.count * np.sqrt(inverse)
    spread = measured.squares / measured.count * inverse - means**2
    errors = np.sqrt(np.maximum(spread, 1.0) / measured.count + 1 / fit.count)
    return means, errors


def _reconstruction(
    measured: Measured, reference: Reference, region: Region, *, judged: bool
) -> Measure:
    """Medians: the mean is ruled by columns that hardly varied in the fit, where one image that
    moves them counts like hundreds. Their confidence bound is an order statistic."""
    unit = region.residual_median * reference.expected_residual
    lower = 0.5 - _ONE_SIDED * 0.5 / np.sqrt(measured.count)
    return Measure(
        quantile(measured.residuals, 0.5) / unit,
        quantile(measured.residuals, lower) / unit if lower > 0 else 0.0,
        reference.thresholds.reconstruction,
        judged,
    )


def _outside(measured: Measured, threshold: float, *, judged: bool) -> Measure:
    share = measured.outside / measured.count
    return Measure(share, _least_share(share, measured.count), threshold, judged)


def _least_share(share: float, count: int) -> float:
    """The lower bound of a share. Wilson, "Probable inference", JASA 22 (1927)."""
    z = _ONE_SIDED
    centre = share + z**2 / (2 * count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return max(0.0, float((centre - half) / (1 + z**2 / count)))


def _two_sided(comparisons: int) -> float:
    """How many standard errors chance may reach in any of so many comparisons (Bonferroni)."""
    return NormalDist().inv_cdf(1 - _CHANCE / 2 / comparisons)
