"""Count, mean and co-moments of the features in one pass, for scaler and PCA."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, IntegerType, LongType, StructField, StructType

from job.errors import InvalidValueError
from job.reduction.arrow_matrix import dimensions, matrix
from job.schemas import FEATURES, IS_ADDED

Floats = npt.NDArray[np.float64]

# 2,048 rows of 1,280 columns are 21 MB in float64: the matrix product runs at full speed, and the
# merge takes a tenth of its time.
BLOCK_ROWS = 2048

# A partial result is d x d x 8 bytes, 13 MB for 1,280 columns: this many reach the driver.
MERGING_TASKS = 4

# Below this share of the total variance, the result of `subtract` is only rounding.
_ROUNDING = 1e-12

_PARTIAL_SCHEMA = StructType(
    [
        StructField("moments", BinaryType()),
        StructField("not_finite", LongType(), nullable=False),
        StructField("dimensions", ArrayType(IntegerType()), nullable=False),
    ]
)


@dataclass(frozen=True)
class Moments:
    """`count` rows, their `mean` (d,) and `m2` (d, d): the sum of outer products of deviations.

    float64. The covariance is m2 / (count - 1).
    """

    count: int
    mean: Floats
    m2: Floats

    @classmethod
    def empty(cls, columns: int) -> Moments:
        """Moments of no rows."""
        return cls(0, np.zeros(columns), np.zeros((columns, columns)))

    @classmethod
    def of(cls, batch: npt.NDArray[np.floating]) -> Moments:
        """Moments of the rows of `batch` (n, d), float32 or float64.

        Subtracts the first row, then makes two passes: deviations lose no accuracy to a large
        offset, and a constant column has exactly its value as mean and zero variance.
        """
        if len(batch) == 0:
            return cls.empty(batch.shape[1])
        first = batch[0].astype(np.float64)
        deviations = batch.astype(np.float64)
        deviations -= first
        offset = deviations.mean(axis=0)
        deviations -= offset
        return cls(len(batch), first + offset, deviations.T @ deviations)

    def to_bytes(self, table_id: str = "") -> bytes:
        """An npz archive of the three arrays, and the id of the table with these rows."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            count=np.int64(self.count),
            mean=self.mean,
            m2=self.m2,
            table_id=np.str_(table_id),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Moments:
        """The inverse of `to_bytes`; unpickles nothing. Raises ValueError for damaged data."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return cls(int(arrays["count"]), arrays["mean"], arrays["m2"])
        except (zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
            raise ValueError(f"not moments: {error}") from error


def table_id_of(data: bytes) -> str:
    """The table id in the result of `Moments.to_bytes`; earlier releases wrote none."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return str(arrays["table_id"]) if "table_id" in arrays else ""


def merge(a: Moments, b: Moments) -> Moments:
    """Moments of the rows of `a` and `b`.

    Chan, Golub & LeVeque, "Algorithms for computing the sample variance", The American
    Statistician 37 (1983), the pairwise update, with outer products for squares.
    """
    if a.count == 0 or b.count == 0:
        return a if b.count == 0 else b
    count = a.count + b.count
    delta = b.mean - a.mean
    return Moments(count, a.mean + delta * (b.count / count), a.m2 + b.m2 + _between(delta, a, b))


def subtract(total: Moments, part: Moments) -> Moments:
    """Moments of the rows of `total` without those of `part`: the inverse of `merge`.

    Raises ValueError if `part` has more rows than `total`.
    """
    count = total.count - part.count
    if count < 0:
        raise ValueError(f"{part.count} rows cannot be taken from {total.count}")
    if part.count == 0 or count == 0:
        return total if part.count == 0 else Moments.empty(len(total.mean))
    mean = total.mean + (total.mean - part.mean) * (part.count / count)
    rest = Moments(count, mean, np.zeros_like(total.m2))
    m2 = total.m2 - part.m2 - _between(part.mean - mean, rest, part)
    # A variance that cancels to rounding is zero, not very small.
    cancelled = np.diag(m2) <= _ROUNDING * np.diag(total.m2)
    m2[cancelled, :] = 0
    m2[:, cancelled] = 0
    return Moments(count, mean, m2)


def compute_moments(features: DataFrame) -> Moments:
    """Moments of the `features` column, array<float> or array<double>, in one pass.

    Each task sums its rows; MERGING_TASKS tasks merge many sums before the driver merges the rest.
    The moments of no rows have no columns. Raises InvalidValueError for rows of different length,
    and for NaN or infinite values, with their number.
    """
    partials = features.select(FEATURES).mapInArrow(_sum_task, _PARTIAL_SCHEMA)
    if partials.rdd.getNumPartitions() > MERGING_TASKS:
        partials = partials.repartition(MERGING_TASKS).mapInArrow(_merge_task, _PARTIAL_SCHEMA)
    # `collect` would pickle each partial result of 13 MB.
    return _require_valid(_total(partials.toArrow().to_batches()))


def update_moments(before: Moments, changes: DataFrame) -> Moments:
    """The moments `before`, with added rows merged and removed rows subtracted.

    `changes` has `features` and the bool `is_added`. Raises the errors of `compute_moments`.
    """
    added = compute_moments(changes.where(F.col(IS_ADDED)))
    removed = compute_moments(changes.where(~F.col(IS_ADDED)))
    return subtract(merge(before, added), removed)


@dataclass(frozen=True)
class _Partial:
    """The partial result of some rows: their moments, or the reason why there are none."""

    not_finite: int = 0
    dimensions: frozenset[int] = frozenset()
    moments: Moments | None = None

    @classmethod
    def of(cls, batches: list[pa.ListArray]) -> _Partial:
        sizes = frozenset(size for batch in batches for size in dimensions(batch))
        if len(sizes) != 1:
            return cls(dimensions=sizes)
        block = np.concatenate([matrix(batch) for batch in batches])
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            return cls(int((~finite).sum()), sizes)
        return cls(0, sizes, Moments.of(block))

    def merge(self, other: _Partial) -> _Partial:
        not_finite = self.not_finite + other.not_finite
        sizes = self.dimensions | other.dimensions
        if not_finite or len(sizes) > 1:
            return _Partial(not_finite, sizes)
        if self.moments is None or other.moments is None:
            return _Partial(0, sizes, self.moments or other.moments)
        return _Partial(0, sizes, merge(self.moments, other.moments))

    def to_arrow(self) -> pa.RecordBatch:
        blob = None if self.moments is None else self.moments.to_bytes()
        return pa.RecordBatch.from_arrays(
            [
                pa.array([blob], pa.binary()),
                pa.array([self.not_finite], pa.int64()),
                pa.array([sorted(self.dimensions)], pa.list_(pa.int32())),
            ],
            names=_PARTIAL_SCHEMA.names,
        )

    @classmethod
    def from_arrow(cls, batch: pa.RecordBatch) -> Iterator[_Partial]:
        for blob, not_finite, sizes in zip(*batch.columns, strict=True):
            moments = None if blob.as_py() is None else Moments.from_bytes(blob.as_buffer())
            yield cls(not_finite.as_py(), frozenset(sizes.as_py()), moments)


def _sum_task(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    blocks = (_Partial.of(block) for block in _blocks(batch.column(0) for batch in batches))
    yield reduce(_Partial.merge, blocks, _Partial()).to_arrow()


def _merge_task(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield _total(batches).to_arrow()


def _total(batches: Iterable[pa.RecordBatch]) -> _Partial:
    partials = (partial for batch in batches for partial in _Partial.from_arrow(batch))
    return reduce(_Partial.merge, partials, _Partial())


def _blocks(batches: Iterable[pa.ListArray]) -> Iterator[list[pa.ListArray]]:
    """Groups of Arrow batches with at least BLOCK_ROWS rows; the last may have fewer."""
    block: list[pa.ListArray] = []
    for batch in batches:
        block.append(batch)
        if sum(map(len, block)) >= BLOCK_ROWS:
            yield block
            block = []
    if block:
        yield block


def _between(delta: Floats, a: Moments, b: Moments) -> Floats:
    # Taking the root first keeps the product symmetric to the last bit.
    scaled = delta * np.sqrt(a.count / (a.count + b.count) * b.count)
    return np.outer(scaled, scaled)


def _require_valid(total: _Partial) -> Moments:
    if len(total.dimensions) > 1:
        raise InvalidValueError(
            f"the features have rows of {' and '.join(map(str, sorted(total.dimensions)))} columns",
            expected="rows of one network",
            fix="run `image-features featurize --refeaturize`",
        )
    if total.not_finite:
        raise InvalidValueError(
            f"{total.not_finite:,} rows of the features hold NaN or infinity",
            expected="finite numbers",
            fix="check the weights, then run `image-features featurize --refeaturize`",
        )
    return total.moments or Moments.empty(0)
