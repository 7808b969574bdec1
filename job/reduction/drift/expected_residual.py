"""How much more the components miss in new images than in those they were fitted on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from job.reduction.pca import Fit

Floats = npt.NDArray[np.float64]

# Below, the kernel estimate of the spectrum has nothing to smooth; the authors' code asks for 12.
_FEWEST_EIGENVALUES = 12
# Eigenvalues below this share of the largest are rounding.
_ROUNDING = 1e-10
# Half the width of the Epanechnikov kernel of unit variance.
_HALF_WIDTH = np.sqrt(5)
# In widths of the kernel: from here on 1/x and 1/x^3 give its Hilbert transform within 1e-5.
_FAR = 30.0


def left_by_fit(fit: Fit) -> float:
    """The mean squared residual of the fitted rows: the variance outside the kept components.

    0 where all components are kept, up to rounding.
    """
    curve = fit.explained_variance
    left = float(curve[fit.k :].sum())
    return left if left > _ROUNDING * float(curve.sum()) else 0.0


def expected_residual(fit: Fit) -> float:
    """The mean squared residual of new rows of the same kind, as a multiple of `left_by_fit`.

    Components lean towards the rows they were fitted on: with few rows a column they explain less
    of any other. The variance of new rows along each is estimated from the spectrum alone. 1 where
    rows are many, or the eigenvalues too few to tell.
    """
    left = left_by_fit(fit)
    curve = fit.explained_variance
    curve = curve[curve > _ROUNDING * curve[0]]
    if left == 0 or len(curve) < _FEWEST_EIGENVALUES:
        return 1.0
    columns = int(np.count_nonzero(fit.std))
    missed = variances_of_new_rows(curve, fit.count, columns)[fit.k :].sum()
    if columns > fit.count - 1:
        missed += (columns - len(curve)) * variance_beyond(curve, fit.count, columns)
    return max(1.0, float(missed) / left)


def variances_of_new_rows(eigenvalues: Floats, rows: int, columns: int) -> Floats:
    """The variance of new rows along each fitted component (r,), from its eigenvalues (r,).

    Ledoit and Wolf, "Analytical nonlinear shrinkage of large-dimensional covariance matrices", The
    Annals of Statistics 48 (2020): equations 4.3 and 4.7 to 4.9, or C.4 for fewer rows than
    columns. A mean was taken off, which costs one row.
    """
    rows -= 1
    bandwidth = rows ** (-1 / 3)
    pairs = [_density_and_hilbert(each, eigenvalues, bandwidth) for each in eigenvalues]
    density, hilbert = np.array(pairs).T
    if columns > rows:
        squares: Floats = (np.pi * eigenvalues) ** 2 * (density**2 + hilbert**2)
        return eigenvalues / squares
    share = columns / rows
    imaginary = np.pi * share * eigenvalues * density
    real = 1 - share - np.pi * share * eigenvalues * hilbert
    shrunk: Floats = eigenvalues / (imaginary**2 + real**2)
    return shrunk


def variance_beyond(eigenvalues: Floats, rows: int, columns: int) -> float:
    """The variance of new rows along a direction in which fewer rows than columns do not vary.

    Ledoit and Wolf (2020), equations C.5 and C.8.
    """
    rows -= 1
    bandwidth = rows ** (-1 / 3)
    at_zero = float(_hilbert(np.array([-1 / bandwidth]))[0]) / bandwidth
    hilbert = at_zero * float((1 / eigenvalues).mean())
    return float(rows / (np.pi * (columns - rows) * hilbert))


def _density_and_hilbert(at: float, eigenvalues: Floats, bandwidth: float) -> tuple[float, float]:
    """The kernel estimate of the spectral density at one place, and its Hilbert transform there."""
    widths = bandwidth * eigenvalues
    x = (at - eigenvalues) / widths
    kernel = np.maximum(1 - x**2 / 5, 0) * 3 / (4 * _HALF_WIDTH)
    return float((kernel / widths).mean()), float((_hilbert(x) / widths).mean())


def _hilbert(x: Floats) -> Floats:
    """The Hilbert transform of the Epanechnikov kernel (n,)."""
    # At the edge of the kernel the logarithm is infinite and its factor 0: their product is 0.
    inside = np.abs(np.abs(x) - _HALF_WIDTH) > _ROUNDING
    ratio = np.abs(np.divide(_HALF_WIDTH - x, _HALF_WIDTH + x, out=np.ones_like(x), where=inside))
    near = (1 - x**2 / 5) * np.log(ratio) * 3 / (4 * _HALF_WIDTH * np.pi) - 3 * x / (10 * np.pi)
    # Far away its two terms cancel to less than their rounding: a series takes over.
    far = np.abs(x) > _FAR
    inverse = np.divide(1.0, x, out=np.zeros_like(x), where=far)
    transform: Floats = np.where(far, -inverse * (1 + inverse**2) / np.pi, near)
    return transform
