"""Small feature tables for the tests of scaler and PCA."""

from __future__ import annotations

import numpy as np
from pyspark.sql import DataFrame, SparkSession

from job import schemas

DOUBLES = "path string, label string, features array<double>"
FLOATS = "path string, label string, features array<float>"


def correlated_rows(rows: int = 200, columns: int = 8, seed: int = 5) -> np.ndarray:
    """float32 values whose components have well separated variances."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(rows, columns)) * 0.6 ** np.arange(columns)
    return (hidden @ rng.normal(size=(columns, columns)) + 3).astype(np.float32)


def features_table(
    spark: SparkSession, rows: np.ndarray | list[list[float]], partitions: int = 2
) -> DataFrame:
    """A table of `rows` with that number of partitions; float64 arrays stay doubles."""
    schema = DOUBLES if getattr(rows, "dtype", None) == np.float64 else FLOATS
    values = [[float(value) for value in row] for row in rows]
    records = [(f"s3a://b/{n:05d}.jpg", f"label {n % 3}", row) for n, row in enumerate(values)]
    return spark.createDataFrame(records, schema).repartition(partitions, schemas.PATH)
