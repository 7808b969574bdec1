"""Finds the nearest rows of a table by exact search over all rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from job import schemas
from job.reduction.arrow_matrix import matrix

Vector = npt.NDArray[np.float64]

# The distance measure of each table.
MEASURES = {schemas.FEATURES: "cosine", schemas.PCA: "euclidean"}
_DISTANCE = "distance"
_NEIGHBOUR_SCHEMA = f"{schemas.PATH} string, {schemas.LABEL} string, {_DISTANCE} double"


@dataclass(frozen=True)
class Neighbour:
    """An image and its distance from the query."""

    distance: float
    label: str | None
    path: str


def find_nearest(
    table: DataFrame, vector_col: str, query: Vector, excluded_path: str, count: int
) -> list[Neighbour]:
    """The `count` rows of `table` nearest to `query` (d,), nearest first, ties by path.

    `vector_col`, "features" or "pca", determines the measure. Ignores the row `excluded_path`.
    """
    rows = table.where(F.col(schemas.PATH) != excluded_path).select(
        schemas.PATH, schemas.LABEL, vector_col
    )
    distances = rows.mapInArrow(
        _distance_mapper(query, DISTANCE_FUNCTIONS[MEASURES[vector_col]]), _NEIGHBOUR_SCHEMA
    )
    # For an ordered limit, each Spark task keeps `count` rows, and only these are merged.
    nearest = distances.orderBy(_DISTANCE, schemas.PATH).limit(count).collect()
    return [Neighbour(row[_DISTANCE], row[schemas.LABEL], row[schemas.PATH]) for row in nearest]


def cosine_distances(rows: Vector, query: Vector) -> Vector:
    """1 - cosine of the angle between each of `rows` (n, d) and `query` (d,): (n,), 0 to 2.

    A zero vector has distance 1 from all others, like an orthogonal one.
    """
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    cosines = np.divide(rows @ query, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    return np.asarray(np.clip(1 - cosines, 0, 2))


def euclidean_distances(rows: Vector, query: Vector) -> Vector:
    """The Euclidean distance of each of `rows` (n, d) from `query` (d,): (n,)."""
    return np.asarray(np.linalg.norm(rows - query, axis=1))


DistanceFunction = Callable[[Vector, Vector], Vector]
DISTANCE_FUNCTIONS: dict[str, DistanceFunction] = {
    "cosine": cosine_distances,
    "euclidean": euclidean_distances,
}


def _distance_mapper(
    query: Vector, distance_function: DistanceFunction
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def map_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                path, label, vectors = batch.columns
                distances = distance_function(matrix(vectors).astype(np.float64), query)
                yield pa.RecordBatch.from_arrays(
                    [path, label, pa.array(distances)], [schemas.PATH, schemas.LABEL, _DISTANCE]
                )

    return map_batches
