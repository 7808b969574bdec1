"""Estimates the residual of new images relative to the residual of the fitted images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from job.reduction.pca import Fit

Floats = npt.NDArray[np.float64]

# The kernel estimate of the spectrum needs this many eigenvalues, as in the authors' code.
_MIN_EIGENVALUES = 12
# Eigenvalues below this share of the largest are rounding.
_ROUNDING = 1e-10
# Half the width of the Epanechnikov kernel of unit variance.
_HALF_WIDTH = np.sqrt(5)
# In widths of the kernel: beyond this, 1/x and 1/x^3 approximate its Hilbert transform to 1e-5.
_FAR = 30.0


def fit_residual(fit: Fit) -> float:
    """The mean squared residual of the fitted rows: the variance outside the kept components.

    Returns 0 if all components are kept, up to rounding.
    """
    curve = fit.explained_variance
    residual = float(curve[fit.k :].sum())
    return residual if residual > _ROUNDING * float(curve.sum()) else 0.0


def expected_residual(fit: Fit) -> float:
    """The mean squared residual of new rows of the same kind, as a multiple of `fit_residual`.

    Components overfit the fitted rows: with few rows per column, they explain less of new rows. The
    variance of new rows along each component is estimated from the spectrum alone. Returns 1 for
    many rows, or for too few eigenvalues.
    """
    residual = fit_residual(fit)
    curve = fit.explained_variance
    curve = curve[curve > _ROUNDING * curve[0]]
    if residual == 0 or len(curve) < _MIN_EIGENVALUES:
        return 1.0
    columns = int(np.count_nonzero(fit.std))
    expected = out_of_sample_variances(curve, fit.count, columns)[fit.k :].sum()
    if columns > fit.count - 1:
        expected += (columns - len(curve)) * null_space_variance(curve, fit.count, columns)
    return max(1.0, float(expected) / residual)


def out_of_sample_variances(eigenvalues: Floats, rows: int, columns: int) -> Floats:
    """The variance of new rows along each fitted component (r,), from the eigenvalues (r,).

    Ledoit and Wolf, "Analytical nonlinear shrinkage of large-dimensional covariance matrices", The
    Annals of Statistics 48 (2020): equations 4.3 and 4.7 to 4.9, or C.4 for fewer rows than
    columns. Subtracting the mean costs one row.
    """
    rows -= 1
    bandwidth = rows ** (-1 / 3)
    pairs = [_density_and_hilbert(value, eigenvalues, bandwidth) for value in eigenvalues]
    density, hilbert = np.array(pairs).T
    if columns > rows:
        squares: Floats = (np.pi * eigenvalues) ** 2 * (density**2 + hilbert**2)
        return eigenvalues / squares
    share = columns / rows
    imaginary = np.pi * share * eigenvalues * density
    real = 1 - share - np.pi * share * eigenvalues * hilbert
    shrunk: Floats = eigenvalues / (imaginary**2 + real**2)
    return shrunk


def null_space_variance(eigenvalues: Floats, rows: int, columns: int) -> float:
    """The variance of new rows along a direction without variance in the fit, if rows < columns.

    Ledoit and Wolf (2020), equations C.5 and C.8.
    """
    rows -= 1
    bandwidth = rows ** (-1 / 3)
    at_zero = float(_hilbert(np.array([-1 / bandwidth]))[0]) / bandwidth
    hilbert = at_zero * float((1 / eigenvalues).mean())
    return float(rows / (np.pi * (columns - rows) * hilbert))


def _density_and_hilbert(at: float, eigenvalues: Floats, bandwidth: float) -> tuple[float, float]:
    """The kernel estimate of the spectral density at one point, and its Hilbert transform."""
    widths = bandwidth * eigenvalues
    x = (at - eigenvalues) / widths
    kernel = np.maximum(1 - x**2 / 5, 0) * 3 / (4 * _HALF_WIDTH)
    return float((kernel / widths).mean()), float((_hilbert(x) / widths).mean())


def _hilbert(x: Floats) -> Floats:
    """The Hilbert transform of the Epanechnikov kernel (n,)."""
    # At the edge of the kernel, the logarithm is infinite and its factor 0; their product is 0.
    inside = np.abs(np.abs(x) - _HALF_WIDTH) > _ROUNDING
    ratio = np.abs(np.divide(_HALF_WIDTH - x, _HALF_WIDTH + x, out=np.ones_like(x), where=inside))
    near = (1 - x**2 / 5) * np.log(ratio) * 3 / (4 * _HALF_WIDTH * np.pi) - 3 * x / (10 * np.pi)
    # Far away, the two terms cancel to rounding errors: use a series.
    far = np.abs(x) > _FAR
    inverse = np.divide(1.0, x, out=np.zeros_like(x), where=far)
    transform: Floats = np.where(far, -inverse * (1 + inverse**2) / np.pi, near)
    return transform
