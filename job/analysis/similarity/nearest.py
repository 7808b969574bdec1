"""Nearest rows of a table by brute force: a distance a row, the smallest of each task, merged."""

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

# How far two rows of each table are from each other.
MEASURES = {schemas.FEATURES: "cosine", schemas.PCA: "euclidean"}
_DISTANCE = "distance"
_FOUND = f"{schemas.PATH} string, {schemas.LABEL} string, {_DISTANCE} double"


@dataclass(frozen=True)
class Neighbour:
    """An image and how far it is."""

    distance: float
    label: str | None
    path: str


def nearest(
    table: DataFrame, vector_col: str, query: Vector, left_out: str, count: int
) -> list[Neighbour]:
    """The `count` rows of `table` nearest to `query` (d,), nearest first, equals by path.

    `vector_col`, "features" or "pca", decides the measure; the path `left_out` is none of them.
    """
    rows = table.where(F.col(schemas.PATH) != left_out).select(
        schemas.PATH, schemas.LABEL, vector_col
    )
    measured = rows.mapInArrow(_measuring(query, DISTANCES[MEASURES[vector_col]]), _FOUND)
    # Spark's limit of an order keeps so many rows of each task, and merges those.
    best = measured.orderBy(_DISTANCE, schemas.PATH).limit(count).collect()
    return [Neighbour(row[_DISTANCE], row[schemas.LABEL], row[schemas.PATH]) for row in best]


def cosine_distances(rows: Vector, query: Vector) -> Vector:
    """1 - cosine of the angle of each of `rows` (n, d) to `query` (d,): 0 to 2, (n,).

    A vector of zeros has no direction: its distance is 1, as from one at a right angle.
    """
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    cosines = np.divide(rows @ query, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    return np.asarray(np.clip(1 - cosines, 0, 2))


def euclidean_distances(rows: Vector, query: Vector) -> Vector:
    """The length of `query` (d,) less each of `rows` (n, d): (n,)."""
    return np.asarray(np.linalg.norm(rows - query, axis=1))


Distances = Callable[[Vector, Vector], Vector]
DISTANCES: dict[str, Distances] = {"cosine": cosine_distances, "euclidean": euclidean_distances}


def _measuring(
    query: Vector, distances_of: Distances
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def distances(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                path, label, vectors = batch.columns
                found = distances_of(matrix(vectors).astype(np.float64), query)
                yield pa.RecordBatch.from_arrays(
                    [path, label, pa.array(found)], [schemas.PATH, schemas.LABEL, _DISTANCE]
                )

    return distances
