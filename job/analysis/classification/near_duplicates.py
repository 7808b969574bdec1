"""Test images that training has nearly the same of, by the cosine of their features.

A bounded sample of the test images goes to each task, which compares it with its rows: exact, by
products of matrices, and the driver holds the sample alone.
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
from job.analysis.classification.splits import ONLY_TRAINS
from job.images.sampling import sample_filter
from job.reduction.arrow_matrix import matrix
from job.runtime.retries import retried

Floats = npt.NDArray[np.float32]

# 25 MB of 1,280 features; compared with 100,000 images in a minute on two cores.
MOST_COMPARED = 5_000
_INDEX, _COSINE, _NEAREST = "index", "cosine", "nearest"
_BEST_SCHEMA = f"{_INDEX} int, {_COSINE} float, {_NEAREST} string"


@dataclass(frozen=True)
class Nearest:
    """A test image, and the training image that is most like it."""

    path: str
    nearest: str
    cosine: float


@dataclass(frozen=True)
class _Sample:
    """Test images: unit rows (n, d) float32, and the fold each tests in."""

    paths: list[str]
    folds: npt.NDArray[np.int32]
    unit: Floats


@retried
def nearest_in_training(rows: DataFrame, tests: int, seed: int) -> list[Nearest]:
    """For each test image of LABELLED_SCHEMA `rows` the training image of the largest cosine.

    What trains is all that is in another fold. Of more than MOST_COMPARED `tests` about so many
    are compared, chosen by a hash of their path and the seed.
    """
    sample = _sample(rows, tests, seed)
    spark = rows.sparkSession
    broadcast = spark.sparkContext.broadcast(sample)

    def task(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _nearest_of_task(batches, broadcast)

    compared = rows.select(schemas.PATH, schemas.FOLD, schemas.FEATURES)
    best = compared.mapInArrow(task, _BEST_SCHEMA).groupBy(_INDEX)
    found = best.agg(
        F.max(_COSINE).alias(_COSINE), F.max_by(_NEAREST, F.struct(_COSINE, _NEAREST)).alias("path")
    ).collect()
    return [Nearest(sample.paths[row[0]], row["path"], row[_COSINE]) for row in found]


def _sample(rows: DataFrame, tests: int, seed: int) -> _Sample:
    tested = F.col(schemas.FOLD) > ONLY_TRAINS
    chosen = (
        rows.where(tested & sample_filter(tests, MOST_COMPARED, seed))
        .select(schemas.PATH, schemas.FOLD, schemas.FEATURES)
        .toArrow()
    )
    paths, folds, features = (column.combine_chunks() for column in chosen.columns)
    return _Sample(paths.to_pylist(), folds.to_numpy(), _unit(matrix(features)))


def _nearest_of_task(
    batches: Iterable[pa.RecordBatch], broadcast: Broadcast[_Sample]
) -> Iterator[pa.RecordBatch]:
    sample = broadcast.value
    cosine = np.full(len(sample.paths), -np.inf, dtype=np.float32)
    nearest = np.full(len(sample.paths), None, dtype=object)
    for batch in batches:
        if batch.num_rows:
            paths, folds, features = batch.columns
            of_batch = sample.unit @ _unit(matrix(features)).T
            # An image of the same fold is not in its training.
            of_batch[sample.folds[:, None] == folds.to_numpy()[None, :]] = -np.inf
            best = of_batch.argmax(axis=1)
            highest = of_batch[np.arange(len(best)), best]
            better = highest > cosine
            cosine[better] = highest[better]
            nearest[better] = np.asarray(paths.to_pylist(), dtype=object)[best[better]]
    found = np.flatnonzero(np.isfinite(cosine))
    yield pa.RecordBatch.from_arrays(
        [
            pa.array(found.astype(np.int32)),
            pa.array(cosine[found]),
            pa.array(nearest[found].tolist(), type=pa.string()),
        ],
        [_INDEX, _COSINE, _NEAREST],
    )


def _unit(rows: npt.NDArray[np.float32]) -> Floats:
    """Rows of length 1; a row of zeros stays one, and is like nothing."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit
