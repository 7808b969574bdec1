"""Encodes features as bytes between the worker and the table.

Java copies the bytes at once; it would read and write each of 1,280 array elements, and do so
twice.
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

_FLOAT32 = np.dtype("<f4")
_LIST_TYPE = to_arrow_type(schemas.FEATURES_SCHEMA[schemas.FEATURES].dataType)
# Nullable, because bad images have no features.
_DECODED_SCHEMA = StructType(
    [StructField(field.name, field.dataType) for field in schemas.FEATURES_SCHEMA]
)


def encode_features(features: np.ndarray[Any, np.dtype[np.float32]]) -> bytes:
    """The features (d,) of one image as bytes: float32, little-endian."""
    return features.astype(_FLOAT32, copy=False).tobytes()


def decode_features(features: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The inverse of `encode_features`."""
    return np.frombuffer(features, _FLOAT32)


def decode_features_column(rows: DataFrame) -> DataFrame:
    """`rows` (the columns of FEATURES_SCHEMA) with encoded features decoded to arrays of floats."""
    return rows.select(*_DECODED_SCHEMA.names).mapInArrow(_decode_batches, _DECODED_SCHEMA)


def _decode_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        index = batch.schema.get_field_index(schemas.FEATURES)
        yield batch.set_column(index, schemas.FEATURES, _list_array(batch.column(index)))


def _list_array(column: pa.BinaryArray) -> pa.ListArray:
    """list<float32> in the memory of `column`: each number takes four bytes."""
    _, offsets, values = column.buffers()
    if values is None or not len(column):
        return pa.nulls(len(column), _LIST_TYPE)
    starts = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    size = _FLOAT32.itemsize
    numbers = pa.Array.from_buffers(pa.float32(), values.size // size, [None, values])
    return pa.ListArray.from_arrays(
        pa.array(starts // size), numbers, type=_LIST_TYPE, mask=column.is_null()
    )
