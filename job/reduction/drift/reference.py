"""What a bundle's manifest says for drift: the thresholds, and where the fitted images lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Thresholds:
    """Above which a measure of drift is a finding, after its sampling error was taken off.

    `mean_shift` in standard deviations of the fitted component; `reconstruction` as a multiple of
    what images like the fitted ones leave; `outside` as a share of the new images.
    """

    mean_shift: float = 0.5
    reconstruction: float = 1.5
    outside: float = 0.1


@dataclass(frozen=True)
class Region:
    """Where the fitted images lie: limits of both distances, in the units of `Measured`.

    `distance` is that of 99 % of the fitted images; `residual` too, times what is expected of new
    ones. `residual_median` is of the fitted images themselves.
    """

    distance: float
    residual: float
    residual_median: float

    def excludes(self, distances: Floats, residuals: Floats) -> npt.NDArray[np.bool_]:
        """Which images (n,) are too far within the components, or too far from them."""
        beyond: npt.NDArray[np.bool_] = distances > self.distance
        return beyond | (residuals > self.residual)


@dataclass(frozen=True)
class Reference:
    """All that drift is judged by; `region` None until the fitted images were projected.

    `expected_residual` is of new images like the fitted ones, as a multiple of what the fit left.
    """

    thresholds: Thresholds
    expected_residual: float
    region: Region | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, for the manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Reference:
        """What `to_dict` gave. Raises TypeError or KeyError for anything else."""
        region = values["region"]
        return cls(
            Thresholds(**values["thresholds"]),
            float(values["expected_residual"]),
            None if region is None else Region(**region),
        )


def changed(thresholds: Thresholds, given: Mapping[str, float | None]) -> Thresholds:
    """`thresholds` with those of `given` that are not None."""
    return replace(thresholds, **{name: each for name, each in given.items() if each is not None})
