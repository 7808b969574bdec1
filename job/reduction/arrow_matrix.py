"""Arrow columns of feature lists as numpy matrices, without a copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def dimensions(column: pa.ListArray) -> list[int]:
    """The distinct lengths of the lists; a null list has length 0."""
    return [int(size) for size in np.unique(np.diff(column.offsets.to_numpy()))]


def matrix(column: pa.ListArray) -> npt.NDArray[Any]:
    """The lists as rows (n, d), a view of Arrow's memory; n is at least 1.

    Raises ValueError if the lists differ in length or hold nulls.
    """
    values: npt.NDArray[Any] = column.flatten().to_numpy(zero_copy_only=True)
    return values.reshape(len(column), -1)
