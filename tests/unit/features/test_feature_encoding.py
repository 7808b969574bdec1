"""Features as bytes, decoded to lists of the same numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from job import schemas
from job.features.feature_encoding import _decode_batches, encode_features

ROWS = [[1.5, -2.0, 3.25], None, [0.0, 1e-30, 7.0], [4.0, 5.0, 6.0]]


def batch(rows: list[list[float] | None]) -> pa.RecordBatch:
    features = [None if row is None else encode_features(np.float32(row)) for row in rows]
    paths = [f"{number}.jpg" for number in range(len(rows))]
    columns = {schemas.PATH: paths, schemas.FEATURES: pa.array(features, pa.binary())}
    return pa.RecordBatch.from_pydict(columns)


@pytest.mark.parametrize("rows", [ROWS, [None, None], []])
def test_decoding_restores_the_numbers(rows: list[list[float] | None]) -> None:
    (decoded,) = _decode_batches([batch(rows)])

    expected = [None if row is None else np.float32(row).tolist() for row in rows]
    assert decoded.column(schemas.FEATURES).to_pylist() == expected
    assert decoded.column(schemas.PATH) == batch(rows).column(schemas.PATH)
    assert decoded.schema.field(schemas.FEATURES).type == pa.list_(pa.float32())


def test_a_slice_of_a_batch_is_decoded_alone() -> None:
    (decoded,) = _decode_batches([batch(ROWS).slice(1, 2)])

    assert decoded.column(schemas.FEATURES).to_pylist() == [None, np.float32(ROWS[2]).tolist()]


def test_bytes_are_little_endian() -> None:
    assert encode_features(np.array([1.0], ">f4")) == b"\x00\x00\x80\x3f"
