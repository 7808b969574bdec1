"""The expected residual of a fit in new rows."""

from __future__ import annotations

import numpy as np
import pytest

from job.reduction.drift.expected_residual import expected_residual, fit_residual
from tests.unit.reduction.drift.rows import fitted, rows, statistics


@pytest.mark.parametrize(
    ("count", "columns", "components"),
    [(20_000, 30, 6), (300, 100, 10), (150, 100, 20), (120, 100, 40), (60, 100, 20), (60, 100, 5)],
)
def test_the_residual_of_new_rows_is_predicted_from_the_spectrum(
    count: int, columns: int, components: int
) -> None:
    fit = fitted(rows(count, columns), components)
    new = statistics(rows(5000, columns, seed=2), fit)

    ratio = new.residual / new.count / fit_residual(fit)

    assert expected_residual(fit) == pytest.approx(ratio, rel=0.12)


def test_a_fit_on_few_rows_overfits_and_on_many_does_not() -> None:
    assert expected_residual(fitted(rows(60, 100), 20)) > 2
    assert expected_residual(fitted(rows(20_000, 30), 6)) == pytest.approx(1.0, abs=0.01)


def test_the_residual_of_the_fitted_rows_is_that_of_the_fit() -> None:
    of = rows(200)
    fit = fitted(of)
    result = statistics(of, fit)

    assert result.residual / (result.count - 1) == pytest.approx(fit_residual(fit))


def test_a_fit_with_all_components_has_no_residual() -> None:
    fit = fitted(rows(200), components=30)

    assert fit_residual(fit) == 0
    assert expected_residual(fit) == 1


def test_constant_columns_are_ignored() -> None:
    of = rows(150, 40)
    with_constant = np.insert(of, 3, 7.0, axis=1)

    assert expected_residual(fitted(with_constant)) == pytest.approx(expected_residual(fitted(of)))
