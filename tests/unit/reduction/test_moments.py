"""Moments: computed by hand, merged, subtracted, with large offsets, and as bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from job.reduction.moments import Moments, merge, subtract

THREE_POINTS = np.array([[1.0, 10.0], [2.0, 20.0], [6.0, 30.0]])


def random_rows(rows: int, columns: int = 6, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns)) * np.arange(1, columns + 1)


def assert_same(actual: Moments, expected: Moments, relative: float) -> None:
    assert actual.count == expected.count
    np.testing.assert_allclose(actual.mean, expected.mean, rtol=relative, atol=relative)
    size = np.abs(expected.m2).max()
    np.testing.assert_allclose(actual.m2, expected.m2, rtol=relative, atol=relative * size)


def test_three_points_by_hand() -> None:
    moments = Moments.of(THREE_POINTS)

    # Deviations from (3, 20): (-2, -10), (-1, 0), (3, 10).
    assert moments.count == 3
    assert moments.mean.tolist() == [3, 20]
    assert moments.m2.tolist() == [[14, 50], [50, 200]]


def test_one_row_has_no_spread() -> None:
    moments = Moments.of(THREE_POINTS[:1])

    assert moments.mean.tolist() == [1, 10]
    assert not moments.m2.any()


def test_moments_of_no_rows_change_nothing() -> None:
    empty = Moments.of(THREE_POINTS[:0])
    moments = Moments.of(THREE_POINTS)

    assert empty.count == 0
    assert merge(empty, moments) is moments
    assert merge(moments, empty) is moments


@pytest.mark.parametrize("cut", [1, 2, 500, 999])
def test_merged_parts_equal_the_whole(cut: int) -> None:
    rows = random_rows(1000)

    assert_same(
        merge(Moments.of(rows[:cut]), Moments.of(rows[cut:])), Moments.of(rows), relative=1e-12
    )


def test_merged_co_moments_are_exactly_symmetric() -> None:
    rows = random_rows(300)
    m2 = merge(Moments.of(rows[:100]), Moments.of(rows[100:])).m2

    assert (m2 == m2.T).all()


def test_a_large_offset_costs_no_accuracy() -> None:
    # A plain sum of squares has an error of 1e12 * 2e-16, more than the variance of 1e-4.
    small = np.random.default_rng(2).normal(scale=1e-2, size=(10_000, 3))
    rows = small + 1e6
    stored = rows - 1e6  # `small` after rounding at the offset, exact
    parts = [Moments.of(part) for part in np.array_split(rows, 7)]
    whole = parts[0]
    for part in parts[1:]:
        whole = merge(whole, part)

    np.testing.assert_allclose(whole.m2 / 9_999, np.cov(stored.T), rtol=1e-7, atol=1e-11)


def test_float32_rows_are_summed_in_float64() -> None:
    rows = random_rows(500).astype(np.float32)

    assert_same(Moments.of(rows), Moments.of(rows.astype(np.float64)), relative=0)


def test_a_merged_constant_column_has_zero_variance() -> None:
    rows = random_rows(999, columns=3)
    rows[:, 1] = 0.1
    whole = merge(merge(Moments.of(rows[:10]), Moments.of(rows[10:400])), Moments.of(rows[400:]))

    assert whole.mean[1] == 0.1
    assert not whole.m2[1].any()
    assert not whole.m2[:, 1].any()


def test_subtracting_a_part_gives_the_rest() -> None:
    rest, part = Moments.of(random_rows(700)), Moments.of(random_rows(300, seed=2) + 5)

    assert_same(subtract(merge(rest, part), part), rest, relative=1e-9)


def test_subtracting_all_rows_leaves_none() -> None:
    moments = Moments.of(THREE_POINTS)

    assert subtract(moments, moments).count == 0
    assert subtract(moments, Moments.empty(2)) is moments


def test_subtracting_more_rows_than_the_total_is_refused() -> None:
    with pytest.raises(ValueError, match="3 rows cannot be taken from 2"):
        subtract(Moments.of(THREE_POINTS[:2]), Moments.of(THREE_POINTS))


def test_a_column_that_is_constant_in_the_rest_has_zero_variance() -> None:
    rest = np.column_stack([random_rows(50, columns=1), np.full(50, 0.3)])
    part = random_rows(50, columns=2, seed=2) * 100

    difference = subtract(merge(Moments.of(rest), Moments.of(part)), Moments.of(part))

    assert difference.m2[1, 1] == 0
    assert difference.m2[0, 0] == pytest.approx(Moments.of(rest).m2[0, 0])


def test_moments_are_restored_from_bytes() -> None:
    moments = Moments.of(random_rows(20))

    assert_same(Moments.from_bytes(moments.to_bytes()), moments, relative=0)


@pytest.mark.parametrize("data", [b"", b"not an archive", Moments.empty(2).to_bytes()[:-40]])
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"not moments|pickled"):
        Moments.from_bytes(data)


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pickled.npz"
    np.savez(path, count=3, mean=np.array([{"a": 1}], dtype=object), m2=np.zeros(1))

    with pytest.raises(ValueError, match="allow_pickle"):
        Moments.from_bytes(path.read_bytes())
