"""Scaler and PCA from moments: by hand, compared with scikit-learn, and edge cases."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from job.errors import InvalidValueError
from job.reduction.moments import Moments
from job.reduction.pca import Fit, fit


def correlated_rows(rows: int = 400, columns: int = 12, seed: int = 3) -> np.ndarray:
    """Rows whose components have well separated variances."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(rows, columns)) * 0.7 ** np.arange(columns)
    return hidden @ rng.normal(size=(columns, columns)) + rng.normal(size=columns) * 10


def fit_rows(rows: np.ndarray, **options: float) -> Fit:
    return fit(Moments.of(rows), **options)


def project(rows: np.ndarray, fitted: Fit) -> np.ndarray:
    return (rows - fitted.mean) * fitted.scale @ fitted.components


def test_three_points_on_a_line_have_one_component() -> None:
    fitted = fit_rows(np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]))

    assert fitted.count == 3
    assert fitted.mean.tolist() == [2, 20]
    assert fitted.std == pytest.approx([1, 10])
    assert fitted.k == 1
    # Both columns rise together: the diagonal of the plane, with all of the variance of 1 + 1.
    assert fitted.components == pytest.approx(np.full((2, 1), np.sqrt(0.5)))
    assert fitted.explained_variance == pytest.approx([2, 0])
    assert fitted.explained_variance_ratio == pytest.approx([1, 0])


def test_uncorrelated_columns_explain_equal_shares() -> None:
    square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])

    assert fit_rows(square).explained_variance_ratio == pytest.approx([0.5, 0.5])
    assert fit_rows(square, variance=0.5).k == 1
    assert fit_rows(square, variance=0.51).k == 2


def test_the_scaler_equals_scikit_learns_except_for_n_minus_1() -> None:
    rows = correlated_rows()
    fitted, scaler = fit_rows(rows), StandardScaler().fit(rows)

    n = len(rows)
    np.testing.assert_allclose(fitted.mean, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(fitted.std, scaler.scale_ * np.sqrt(n / (n - 1)), rtol=1e-12)


def test_components_and_projections_equal_scikit_learns_up_to_sign() -> None:
    rows = correlated_rows()
    fitted = fit_rows(rows, components=5)
    n = len(rows)
    scaled = StandardScaler().fit_transform(rows) * np.sqrt((n - 1) / n)
    theirs = PCA(n_components=5, svd_solver="full").fit(scaled)

    signs = np.sign((fitted.components.T * theirs.components_).sum(axis=1))
    np.testing.assert_allclose(fitted.components.T, theirs.components_ * signs[:, None], rtol=1e-6)
    np.testing.assert_allclose(
        project(rows, fitted), theirs.transform(scaled) * signs, rtol=1e-6, atol=1e-9
    )
    np.testing.assert_allclose(fitted.explained_variance[:5], theirs.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(
        fitted.explained_variance_ratio[:5], theirs.explained_variance_ratio_, rtol=1e-9
    )


@pytest.mark.parametrize("variance", [0.3, 0.9, 0.99])
def test_k_equals_scikit_learns_for_the_same_variance(variance: float) -> None:
    rows = correlated_rows()
    theirs = PCA(n_components=variance, svd_solver="full").fit(StandardScaler().fit_transform(rows))

    assert fit_rows(rows, variance=variance).k == theirs.n_components_


def test_variance_1_takes_all_components() -> None:
    assert fit_rows(correlated_rows(), variance=1.0).k == 12


def test_rounding_does_not_add_a_component() -> None:
    # Each of ten uncorrelated columns explains 0.1, and ten times 0.1 is not 1 in binary.
    rows = np.vstack([np.eye(10), -np.eye(10)])

    assert [fit_rows(rows, variance=share / 10).k for share in range(1, 11)] == list(range(1, 11))


def test_the_variance_curve_is_complete_descending_and_sums_to_one() -> None:
    fitted = fit_rows(correlated_rows(), components=2)

    assert fitted.components.shape == (12, 2)
    assert fitted.explained_variance_ratio.shape == (12,)
    assert fitted.explained_variance_ratio.sum() == pytest.approx(1, abs=1e-12)
    assert (np.diff(fitted.explained_variance_ratio) <= 0).all()


def test_fewer_rows_than_columns_give_rows_minus_one_components() -> None:
    rows = correlated_rows(rows=5)
    fitted = fit_rows(rows, variance=1.0)

    assert fitted.k == 4
    assert fitted.explained_variance_ratio.sum() == pytest.approx(1, abs=1e-12)
    # Four directions hold five points whole: going back gives the rows.
    restored = project(rows, fitted) @ fitted.components.T * fitted.std + fitted.mean
    np.testing.assert_allclose(restored, rows, rtol=1e-9)


def test_constant_columns_are_ignored() -> None:
    rows = correlated_rows()
    with_constants = np.insert(rows, [0, 4, 12], [7.0, 0.1, 0.0], axis=1)
    fitted, plain = fit_rows(with_constants, components=3), fit_rows(rows, components=3)

    constant = [0, 5, 14]
    assert not fitted.std[constant].any()
    assert not fitted.components[constant].any()
    np.testing.assert_allclose(np.delete(fitted.components, constant, axis=0), plain.components)
    np.testing.assert_allclose(
        fitted.explained_variance_ratio, plain.explained_variance_ratio, atol=1e-14
    )


def test_rounding_noise_on_a_constant_column_is_not_scaled_up() -> None:
    rows = correlated_rows(columns=3)
    rows[:, 1] = 0.3
    rows[::2, 1] = np.nextafter(0.3, 1)

    assert fit_rows(rows, components=2).std[1] == 0


def test_a_small_spread_around_a_large_mean_is_not_constant() -> None:
    rows = np.random.default_rng(4).normal(loc=1e6, scale=1e-2, size=(1000, 3))

    np.testing.assert_allclose(fit_rows(rows).std, 1e-2, rtol=0.1)


def test_the_largest_entry_of_each_component_is_positive() -> None:
    components = fit_rows(correlated_rows(), variance=1.0).components

    largest = np.abs(components).argmax(axis=0)
    assert (components[largest, range(12)] > 0).all()


def test_more_components_than_the_rows_allow_are_refused_with_the_limit() -> None:
    with pytest.raises(InvalidValueError) as raised:
        fit_rows(correlated_rows(rows=5), components=5)

    assert str(raised.value) == (
        "--components is 5; expected 1 to 4 for 5 rows and 12 columns; "
        "fix: set --components to 4 or less, or use --variance"
    )


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_rows_are_refused(rows: int) -> None:
    with pytest.raises(InvalidValueError, match=f"rows of features: {rows}"):
        fit_rows(np.ones((rows, 3)))


def test_rows_that_are_all_equal_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="all 4 rows of features are equal"):
        fit_rows(np.full((4, 3), 0.1))
