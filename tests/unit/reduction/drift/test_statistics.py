"""What is summed over projected rows, against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from job.reduction.drift.expected_residual import fit_residual
from job.reduction.drift.reference import Region
from job.reduction.drift.statistics import BINS, DriftStatistics, quantile
from tests.unit.reduction.drift.rows import fitted, measured, projected, rows

BIN = 2 ** (1 / 32)


def test_sums_are_those_of_numpy() -> None:
    fit, new = fitted(rows(300)), rows(500, seed=2)
    components, lengths = projected(new, fit)

    found = measured(new, fit)

    assert found.count == 500
    np.testing.assert_allclose(found.scores / 500, components.mean(axis=0))
    np.testing.assert_allclose(found.squares / 500 - (found.scores / 500) ** 2, components.var(0))
    back = components @ fit.components.T
    scaled = (new - fit.mean) * fit.scale
    assert found.residual == pytest.approx(((scaled - back) ** 2).sum())
    assert lengths.sum() == pytest.approx((scaled**2).sum())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_quantiles_are_those_of_numpy_within_a_bin(share: float) -> None:
    fit, new = fitted(rows(300)), rows(500, seed=2)
    components, lengths = projected(new, fit)
    squares = components**2
    distances = (squares / fit.explained_variance[: fit.k]).mean(axis=1)
    residuals = (lengths - squares.sum(axis=1)) / fit_residual(fit)

    found = measured(new, fit)

    for histogram, values in [(found.distances, distances), (found.residuals, residuals)]:
        exact = np.quantile(values, share, method="inverted_cdf")
        assert exact <= quantile(histogram, share) * (1 + 1e-12)
        assert quantile(histogram, share) <= exact * BIN * (1 + 1e-12)


def test_parts_add_up_to_the_whole() -> None:
    fit, new = fitted(rows(300)), rows(500, seed=2)
    region = Region(distance=1.2, residual=1.1, residual_median=1.0)
    whole = measured(new, fit, region)

    parts = [measured(new[:123], fit, region), measured(new[123:], fit, region)]
    sums = DriftStatistics.from_vector(sum(part.to_vector() for part in parts))

    assert (sums.count, sums.outside) == (whole.count, whole.outside)
    np.testing.assert_allclose(sums.to_vector(), whole.to_vector(), rtol=1e-9)


def test_images_outside_are_those_beyond_either_limit() -> None:
    fit, new = fitted(rows(300)), rows(500, seed=2)
    components, lengths = projected(new, fit)
    squares = components**2
    far = (squares / fit.explained_variance[: fit.k]).mean(axis=1) > 1.5
    off = (lengths - squares.sum(axis=1)) / fit_residual(fit) > 1.2

    found = measured(new, fit, Region(distance=1.5, residual=1.2, residual_median=1.0))

    assert found.outside == (far | off).sum()
    assert 0 < far.sum() < 500
    assert 0 < off.sum() < 500


def test_values_beyond_the_scale_are_counted_at_its_ends() -> None:
    fit = fitted(rows(300))
    far = np.vstack([np.full((2, 30), 1e6), fit.mean[None]])

    found = measured(far, fit)

    assert found.distances.sum() == found.residuals.sum() == 3
    assert found.distances[0] == 1
    assert found.distances[BINS - 1] == 2
