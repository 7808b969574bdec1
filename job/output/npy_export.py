"""Exports vectors as one NumPy array, with the label of each row, for programs without Spark.

features.npy    float32 (rows, columns), C order, little-endian
labels.csv      path, label of each row, in the same order
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from job import schemas
from job.errors import AccountingError
from job.reduction.arrow_matrix import matrix
from job.runtime import filesystem
from job.runtime.retries import retried

ARRAY, NAMES = "features.npy", "labels.csv"

# The size of one write.
_BLOCK_BYTES = 4 * 1024 * 1024
_BLOCKS = "images long, numbers binary, names binary"


@dataclass
class ExportProgress:
    """The number of rows written so far."""

    rows: int = 0


@retried
def write_arrays(
    images: DataFrame,
    vector_col: str,
    shape: tuple[int, int],
    folder: str,
    progress: ExportProgress,
) -> None:
    """Write `vector_col` (array<float>), path and label of `images` to two files in `folder`.

    `shape` is the shape of the array, (rows, columns). Rows keep their order. The driver holds one
    partition at a time, as bytes. Each file appears once it is complete. Raises AccountingError if
    `images` has another number of rows.
    """
    spark = images.sparkSession
    blocks = images.select(schemas.PATH, schemas.LABEL, vector_col).mapInArrow(_blocks, _BLOCKS)
    progress.rows = 0
    with (
        filesystem.writing(spark, f"{folder}/{ARRAY}") as write_numbers,
        # This file appears first: it marks the array as an export (job/output/destinations.py).
        filesystem.writing(spark, f"{folder}/{NAMES}") as write_names,
    ):
        write_numbers(_header(shape))
        write_names(_lines([(schemas.PATH, schemas.LABEL)]))
        for block in blocks.toLocalIterator():
            write_numbers(bytes(block.numbers))
            write_names(bytes(block.names))
            progress.rows += block.images
        if progress.rows != shape[0]:
            raise AccountingError(
                f"{shape[0]:,} rows were counted and {progress.rows:,} read",
                expected="a table that does not change during the export",
                fix="run the same command again",
            )


def _header(shape: tuple[int, int]) -> bytes:
    header = io.BytesIO()
    description = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, description)
    return header.getvalue()


def _blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Convert path, label and vector to blocks of bytes, in order."""
    pending: list[pa.RecordBatch] = []
    for batch in batches:
        pending += [batch] if batch.num_rows else []
        if sum(batch.nbytes for batch in pending) >= _BLOCK_BYTES:
            yield _block(pending)
            pending = []
    if pending:
        yield _block(pending)


def _block(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    numbers = b"".join(matrix(batch.column(2)).astype("<f4").tobytes() for batch in batches)
    rows = [
        row
        for batch in batches
        for row in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)
    ]
    arrays = [
        pa.array([len(rows)], pa.int64()),
        pa.array([numbers], pa.binary()),
        pa.array([_lines(rows)], pa.binary()),
    ]
    return pa.RecordBatch.from_arrays(arrays, ["images", "numbers", "names"])


def _lines(rows: Iterable[tuple[str, str | None]]) -> bytes:
    """CSV lines, as in `final_features.csv`."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
