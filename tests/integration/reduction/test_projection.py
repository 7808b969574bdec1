"""The projection of a features table: values, schema, errors."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.errors import PythonException
from pyspark.sql import SparkSession
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from job import schemas
from job.errors import IncompatibleBundleError
from job.reduction.moments import compute_moments
from job.reduction.pca import fit
from job.reduction.projection import project
from job.runtime.spark_errors import as_job_error
from tests.integration.reduction.feature_rows import correlated_rows, features_table


def test_a_projection_equals_scikit_learns(spark: SparkSession) -> None:
    rows = correlated_rows()
    table = features_table(spark, rows)
    projection = project(table, fit(compute_moments(table), components=3))

    components = np.array([row[schemas.PCA] for row in projection.orderBy(schemas.PATH).collect()])
    n = len(rows)
    scaled = StandardScaler().fit_transform(rows.astype(np.float64)) * np.sqrt((n - 1) / n)
    theirs = PCA(n_components=3, svd_solver="full").fit_transform(scaled)
    signs = np.sign((components * theirs).sum(axis=0))
    np.testing.assert_allclose(components, theirs * signs, rtol=1e-6, atol=1e-6)


def test_the_projection_keeps_path_and_label_and_has_its_schema(spark: SparkSession) -> None:
    table = features_table(spark, correlated_rows(rows=9), partitions=4)
    projection = project(table, fit(compute_moments(table), components=2))

    assert projection.schema == schemas.PROJECTION_SCHEMA
    labels = {(row.path, row.label) for row in projection.collect()}
    assert labels == {(row.path, row.label) for row in table.collect()}
    assert {len(row.pca) for row in projection.collect()} == {2}


def test_features_of_another_network_fail_with_the_number_of_columns(spark: SparkSession) -> None:
    fitted = fit(compute_moments(features_table(spark, correlated_rows(columns=8))))
    others = features_table(spark, correlated_rows(columns=6))

    with pytest.raises(PythonException) as failed:
        project(others, fitted).collect()

    error = as_job_error(failed.value, "features")
    assert isinstance(error, IncompatibleBundleError)
    assert "features of 6 columns meet a bundle of 8" in str(error)
