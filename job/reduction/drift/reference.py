"""The drift reference in a bundle's manifest: thresholds, and the region of the fitted images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Thresholds:
    """A measure of drift above its threshold is a finding, after subtracting its sampling error.

    `mean_shift` in standard deviations of the fitted component; `reconstruction` as a multiple of
    the residual of images like the fitted ones; `outside` as a share of the new images.
    """

    mean_shift: float = 0.5
    reconstruction: float = 1.5
    outside: float = 0.1


@dataclass(frozen=True)
class Region:
    """The region of the fitted images: limits of both distances, in units of `DriftStatistics`.

    `distance` is the 99 % quantile of the fitted images; `residual` is theirs times the expected
    residual of new images. `residual_median` is the median of the fitted images.
    """

    distance: float
    residual: float
    residual_median: float

    def excludes(self, distances: Floats, residuals: Floats) -> npt.NDArray[np.bool_]:
        """Which images (n,) exceed either limit: within the components, or in the residual."""
        beyond: npt.NDArray[np.bool_] = distances > self.distance
        return beyond | (residuals > self.residual)


@dataclass(frozen=True)
class Reference:
    """The reference for drift; `region` is None until the fitted images are projected.

    `expected_residual` is that of new images like the fitted ones, as a multiple of the fit's.
    """

    thresholds: Thresholds
    expected_residual: float
    region: Region | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, for the manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Reference:
        """The inverse of `to_dict`. Raises TypeError or KeyError for other values."""
        region = values["region"]
        return cls(
            Thresholds(**values["thresholds"]),
            float(values["expected_residual"]),
            None if region is None else Region(**region),
        )


def override_thresholds(thresholds: Thresholds, given: Mapping[str, float | None]) -> Thresholds:
    """`thresholds` with the values of `given` that are not None."""
    overrides = {name: value for name, value in given.items() if value is not None}
    return replace(thresholds, **overrides)
