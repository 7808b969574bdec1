"""Features as bytes, and back as lists of the same numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from job import schemas
from job.features.feature_encoding import _unpack, packed

ROWS = [[1.5, -2.0, 3.25], None, [0.0, 1e-30, 7.0], [4.0, 5.0, 6.0]]


def batch(rows: list[list[float] | None]) -> pa.RecordBatch:
    features = [None if row is None else packed(np.float32(row)) for row in rows]
    paths = [f"{number}.jpg" for number in range(len(rows))]
    columns = {schemas.PATH: paths, schemas.FEATURES: pa.array(features, pa.binary())}
    return pa.RecordBatch.from_pydict(columns)


@pytest.mark.parametrize("rows", [ROWS, [None, None], []])
def test_the_numbers_come_back(rows: list[list[float] | None]) -> None:
    (unpacked,) = _unpack([batch(rows)])

    expected = [None if row is None else np.float32(row).tolist() for row in rows]
    assert unpacked.column(schemas.FEATURES).to_pylist() == expected
    assert unpacked.column(schemas.PATH) == batch(rows).column(schemas.PATH)
    assert unpacked.schema.field(schemas.FEATURES).type == pa.list_(pa.float32())


def test_a_part_of_a_batch_is_that_part() -> None:
    (unpacked,) = _unpack([batch(ROWS).slice(1, 2)])

    assert unpacked.column(schemas.FEATURES).to_pylist() == [None, np.float32(ROWS[2]).tolist()]


def test_bytes_are_little_endian() -> None:
    assert packed(np.array([1.0], ">f4")) == b"\x00\x00\x80\x3f"
