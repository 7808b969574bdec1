"""Finds test images with near-duplicates in training, by the cosine of their features.

Each task compares its rows with a bounded sample of the test images, exactly, by matrix products.
The driver holds only the sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from job import schemas
from job.analysis.classification.splits import TRAIN_ONLY
from job.images.sampling import sample_filter
from job.reduction.arrow_matrix import matrix
from job.runtime.retries import retried

Floats = npt.NDArray[np.float32]

# 25 MB with 1,280 features; two cores compare them with 100,000 images in a minute.
MAX_COMPARED = 5_000
_INDEX, _COSINE, _NEAREST = "index", "cosine", "nearest"
_BEST_SCHEMA = f"{_INDEX} int, {_COSINE} float, {_NEAREST} string"


@dataclass(frozen=True)
class NearestImage:
    """A test image and the most similar training image."""

    path: str
    nearest: str
    cosine: float


@dataclass(frozen=True)
class _Sample:
    """Sampled test images: their folds, and their features as unit rows (n, d) float32."""

    paths: list[str]
    folds: npt.NDArray[np.int32]
    unit: Floats


@retried
def find_nearest_in_training(rows: DataFrame, test_images: int, seed: int) -> list[NearestImage]:
    """The training image with the largest cosine for each test image of `rows` (LABELLED_SCHEMA).

    Training images are those of all other folds. If there are more than MAX_COMPARED
    `test_images`, about MAX_COMPARED are selected by a hash of their path and `seed`.
    """
    sample = _sample_tests(rows, test_images, seed)
    spark = rows.sparkSession
    broadcast = spark.sparkContext.broadcast(sample)

    def task(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _nearest_of_task(batches, broadcast)

    compared = rows.select(schemas.PATH, schemas.FOLD, schemas.FEATURES)
    task_results = compared.mapInArrow(task, _BEST_SCHEMA).groupBy(_INDEX)
    best = task_results.agg(
        F.max(_COSINE).alias(_COSINE), F.max_by(_NEAREST, F.struct(_COSINE, _NEAREST)).alias("path")
    ).collect()
    return [NearestImage(sample.paths[row[0]], row["path"], row[_COSINE]) for row in best]


def _sample_tests(rows: DataFrame, test_images: int, seed: int) -> _Sample:
    is_test = F.col(schemas.FOLD) > TRAIN_ONLY
    table = (
        rows.where(is_test & sample_filter(test_images, MAX_COMPARED, seed))
        .select(schemas.PATH, schemas.FOLD, schemas.FEATURES)
        .toArrow()
    )
    paths, folds, features = (column.combine_chunks() for column in table.columns)
    return _Sample(paths.to_pylist(), folds.to_numpy(), _normalize(matrix(features)))


def _nearest_of_task(
    batches: Iterable[pa.RecordBatch], broadcast: Broadcast[_Sample]
) -> Iterator[pa.RecordBatch]:
    sample = broadcast.value
    cosine = np.full(len(sample.paths), -np.inf, dtype=np.float32)
    nearest = np.full(len(sample.paths), None, dtype=object)
    for batch in batches:
        if batch.num_rows:
            paths, folds, features = batch.columns
            cosines = sample.unit @ _normalize(matrix(features)).T
            # Images of the same fold are not training images.
            cosines[sample.folds[:, None] == folds.to_numpy()[None, :]] = -np.inf
            best = cosines.argmax(axis=1)
            highest = cosines[np.arange(len(best)), best]
            better = highest > cosine
            cosine[better] = highest[better]
            nearest[better] = np.asarray(paths.to_pylist(), dtype=object)[best[better]]
    matched = np.flatnonzero(np.isfinite(cosine))
    yield pa.RecordBatch.from_arrays(
        [
            pa.array(matched.astype(np.int32)),
            pa.array(cosine[matched]),
            pa.array(nearest[matched].tolist(), type=pa.string()),
        ],
        [_INDEX, _COSINE, _NEAREST],
    )


def _normalize(rows: npt.NDArray[np.float32]) -> Floats:
    """Rows scaled to length 1; a row of zeros stays zero, with cosine 0 to all others."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit
