"""Features on their way from the worker to the table: bytes, which Java moves at once.

As an array Java would take up and write each of 1,280 numbers by itself, and do so twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import StructField, StructType

from job import schemas

_NUMBERS = np.dtype("<f4")
_LISTS = to_arrow_type(schemas.FEATURES_SCHEMA[schemas.FEATURES].dataType)
# A row that is not featurized has none.
_UNPACKED = StructType(
    [StructField(field.name, field.dataType) for field in schemas.FEATURES_SCHEMA]
)


def packed(features: np.ndarray[Any, np.dtype[np.float32]]) -> bytes:
    """The features of one image as bytes: float32, little-endian."""
    return features.astype(_NUMBERS, copy=False).tobytes()


def unpacked_one(features: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What `packed` was given."""
    return np.frombuffer(features, _NUMBERS)


def unpacked(rows: DataFrame) -> DataFrame:
    """`rows`, of the columns of FEATURES_SCHEMA, with packed features as arrays of floats."""
    return rows.select(*_UNPACKED.names).mapInArrow(_unpack, _UNPACKED)


def _unpack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        index = batch.schema.get_field_index(schemas.FEATURES)
        yield batch.set_column(index, schemas.FEATURES, _lists(batch.column(index)))


def _lists(column: pa.BinaryArray) -> pa.ListArray:
    """list<float32> of the same memory: each number has four of the bytes."""
    _, offsets, values = column.buffers()
    if values is None or not len(column):
        return pa.nulls(len(column), _LISTS)
    starts = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    size = _NUMBERS.itemsize
    numbers = pa.Array.from_buffers(pa.float32(), values.size // size, [None, values])
    return pa.ListArray.from_arrays(
        pa.array(starts // size), numbers, type=_LISTS, mask=column.is_null()
    )
