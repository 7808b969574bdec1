"""Computes scaler and principal components from moments with one eigendecomposition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from job.errors import InvalidValueError
from job.reduction.moments import Moments

Floats = npt.NDArray[np.float64]

# A standard deviation below this share of the mean is only rounding in a constant column: 64 units
# in the last place of a float64.
_CONSTANT = 64 * np.finfo(np.float64).eps

# The rounding error of a sum of a few thousand shares.
_SHARE_ROUNDING = 1e-12


@dataclass(frozen=True)
class Fit:
    """Scaler and principal components of `count` rows of d columns; arrays are float64.

    `mean` and `std` (d,): std uses n-1, and is 0 for a constant column, which is then ignored.
    `components` (d, k): unit vectors in columns, the largest entry of each is positive.
    `explained_variance` and `explained_variance_ratio` (r,): the whole curve of all r >= k
    components of the rows, in descending order; the ratio sums to 1.
    """

    count: int
    mean: Floats
    std: Floats
    components: Floats
    explained_variance: Floats
    explained_variance_ratio: Floats
    k: int

    @property
    def scale(self) -> Floats:
        """The factor for centred features (d,): 1 / std, and 0 where std is 0."""
        return np.divide(1.0, self.std, out=np.zeros_like(self.std), where=self.std > 0)


def fit(moments: Moments, *, variance: float = 0.90, components: int | None = None) -> Fit:
    """Principal components of the standardized columns (the correlation matrix).

    k is `components`, else the smallest number that explains `variance`, a share in (0, 1]; 1
    takes all. Raises InvalidValueError for fewer than 2 rows, for columns that are all constant,
    and for more `components` than min(rows - 1, varying columns).
    """
    std = _standard_deviation(moments)
    varying = np.flatnonzero(std)
    max_components = min(moments.count - 1, len(varying))
    _require_components(moments, max_components, components)
    eigenvalues, vectors = _decompose(_correlation(moments, std, varying))
    explained = eigenvalues[:max_components]
    ratio = explained / explained.sum()
    k = components or _components_for(variance, ratio)
    directions = np.zeros((len(std), k))
    directions[varying] = _fix_signs(vectors[:, :k])
    return Fit(moments.count, moments.mean, std, directions, explained, ratio, k)


def _standard_deviation(moments: Moments) -> Floats:
    if moments.count < 2:
        raise InvalidValueError(
            f"too few rows of features: {moments.count}",
            expected="at least 2 to fit scaler and PCA",
            fix="featurize more images first",
        )
    std = np.sqrt(np.diag(moments.m2).clip(min=0) / (moments.count - 1))
    constant = std <= _CONSTANT * np.abs(moments.mean)
    return np.where(constant, 0.0, std)


def _require_components(moments: Moments, max_components: int, components: int | None) -> None:
    if max_components == 0:
        raise InvalidValueError(
            f"all {moments.count} rows of features are equal",
            expected="rows that differ",
            fix="featurize other images too",
        )
    if components is not None and not 1 <= components <= max_components:
        rows, columns = moments.count, len(moments.mean)
        raise InvalidValueError(
            f"--components is {components}",
            expected=f"1 to {max_components} for {rows} rows and {columns} columns",
            fix=f"set --components to {max_components} or less, or use --variance",
        )


def _correlation(moments: Moments, std: Floats, varying: npt.NDArray[np.intp]) -> Floats:
    scale = 1 / (std[varying] * np.sqrt(moments.count - 1))
    correlation = moments.m2[np.ix_(varying, varying)] * np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _decompose(correlation: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, descending and at least 0, and the eigenvectors in columns."""
    eigenvalues, vectors = np.linalg.eigh(correlation)
    return eigenvalues[::-1].clip(min=0), vectors[:, ::-1]


def _fix_signs(vectors: Floats) -> Floats:
    """Make the largest entry of each vector positive: the sign of an eigenvector is arbitrary."""
    largest = np.abs(vectors).argmax(axis=0)
    signs: Floats = np.sign(vectors[largest, np.arange(vectors.shape[1])])
    return vectors * signs


def _components_for(variance: float, ratio: Floats) -> int:
    if variance >= 1:
        return len(ratio)
    return int(np.argmax(np.cumsum(ratio) >= variance - _SHARE_ROUNDING)) + 1
