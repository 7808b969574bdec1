"""Moments of a features table: the same for any partitioning; bad rows are refused."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession

from job.errors import InvalidValueError
from job.reduction.moments import Moments, compute_moments
from tests.integration.reduction.feature_rows import FLOATS, correlated_rows, features_table


@pytest.mark.parametrize("partitions", [1, 3, 16])
def test_any_partitioning_gives_the_moments_of_all_rows(
    spark: SparkSession, partitions: int
) -> None:
    rows = correlated_rows(rows=10)
    whole = Moments.of(rows)

    # 16 partitions of 10 rows: some are empty.
    moments = compute_moments(features_table(spark, rows, partitions))

    assert moments.count == 10
    np.testing.assert_allclose(moments.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(moments.m2, whole.m2, rtol=1e-12, atol=1e-12 * whole.m2.max())


def test_rows_of_several_blocks_are_merged(spark: SparkSession) -> None:
    rows = correlated_rows(rows=5000, columns=3)
    whole = Moments.of(rows)

    moments = compute_moments(features_table(spark, rows, 1))

    assert moments.count == 5000
    np.testing.assert_allclose(moments.m2, whole.m2, rtol=1e-12)


def test_doubles_around_a_large_offset_keep_their_spread(spark: SparkSession) -> None:
    rows = np.random.default_rng(6).normal(loc=1e6, scale=1e-2, size=(300, 2))

    moments = compute_moments(features_table(spark, rows, 5))

    np.testing.assert_allclose(moments.m2 / 299, np.cov((rows - 1e6).T), rtol=1e-7, atol=1e-11)


def test_a_table_without_rows_has_no_moments(spark: SparkSession) -> None:
    assert compute_moments(spark.createDataFrame([], FLOATS)).count == 0


def test_rows_of_two_networks_are_refused_with_both_lengths(spark: SparkSession) -> None:
    mixed = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0, 7.0]]

    with pytest.raises(InvalidValueError, match="rows of 2 and 3 columns"):
        compute_moments(features_table(spark, mixed))


def test_rows_with_nan_or_infinity_are_refused_with_their_number(spark: SparkSession) -> None:
    rows = correlated_rows(rows=20)
    rows[3, 0], rows[7, 5], rows[7, 6], rows[19, 1] = np.nan, np.inf, np.nan, -np.inf

    with pytest.raises(InvalidValueError, match="3 rows of the features hold NaN or infinity"):
        compute_moments(features_table(spark, rows, 3))
