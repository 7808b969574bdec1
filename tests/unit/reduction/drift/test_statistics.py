"""Statistics of projected rows, compared with numpy."""

from __future__ import annotations

import numpy as np
import pytest

from job.reduction.drift.expected_residual import fit_residual
from job.reduction.drift.reference import Region
from job.reduction.drift.statistics import BINS, DriftStatistics, quantile
from tests.unit.reduction.drift.rows import fitted, projected, rows, statistics

BIN = 2 ** (1 / 32)


def test_sums_equal_numpys() -> None:
    fit, new = fitted(rows(300)), rows(500, seed=2)
    components, lengths = projected(new, fit)

    result = statistics(new, fit)

    assert result.count == 500
    np.testing.assert_allclose(result.scores / 500, components.mean(axis=0))
    np.testing.assert_allclose(result.squares / 500 - (result.scores / 500) ** 2, components.var(0))
    back = components @ fit.components.T
    scaled = (new - fit.mean) * fit.scale
    assert result.residual == pytest.approx(((scaled - back) ** 2).sum())
    assert lengths.sum() == pytest.approx((scaled**2).sum())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_quantiles_equal_numpys_within_a_bin(share: float) -> None:
    fit, new = fitted(rows(300)), rows(500, seed=2)
    components, lengths = projected(new, fit)
    squares = components**2
    distances = (squares / fit.explained_variance[: fit.k]).mean(axis=1)
    residuals = (lengths - squares.sum(axis=1)) / fit_residual(fit)

    result = statistics(new, fit)

    for histogram, values in [(result.distances, distances), (result.residuals, residuals)]:
        exact = np.quantile(values, share, method="inverted_cdf")
        assert exact <= quantile(histogram, share) * (1 + 1e-12)
        assert quantile(histogram, share) <= exact * BIN * (1 + 1e-12)


def test_vectors_of_parts_add_up_to_the_whole() -> None:
    fit, new = fitted(rows(300)), rows(500, seed=2)
    region = Region(distance=1.2, residual=1.1, residual_median=1.0)
    whole = statistics(new, fit, region)

    parts = [statistics(new[:123], fit, region), statistics(new[123:], fit, region)]
    sums = DriftStatistics.from_vector(sum(part.to_vector() for part in parts))

    assert (sums.count, sums.outside) == (whole.count, whole.outside)
    np.testing.assert_allclose(sums.to_vector(), whole.to_vector(), rtol=1e-9)


def test_images_beyond_either_limit_are_outside() -> None:
    fit, new = fitted(rows(300)), rows(500, seed=2)
    components, lengths = projected(new, fit)
    squares = components**2
    far = (squares / fit.explained_variance[: fit.k]).mean(axis=1) > 1.5
    off = (lengths - squares.sum(axis=1)) / fit_residual(fit) > 1.2

    result = statistics(new, fit, Region(distance=1.5, residual=1.2, residual_median=1.0))

    assert result.outside == (far | off).sum()
    assert 0 < far.sum() < 500
    assert 0 < off.sum() < 500


def test_values_beyond_the_scale_are_counted_in_the_outer_bins() -> None:
    fit = fitted(rows(300))
    far = np.vstack([np.full((2, 30), 1e6), fit.mean[None]])

    result = statistics(far, fit)

    assert result.distances.sum() == result.residuals.sum() == 3
    assert result.distances[0] == 1
    assert result.distances[BINS - 1] == 2
