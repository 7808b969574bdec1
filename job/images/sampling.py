"""A bounded sample of images by a hash of their paths, independent of partitions and order."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from job import schemas


def sample_filter(total: int, size: int, *salt: int) -> Column:
    """Whether a row belongs to a sample of about `size` of `total` rows.

    Includes all rows if `total` is at most `size`. The choice depends on a hash of the column path;
    another `salt` gives another sample.
    """
    number = F.xxhash64(schemas.PATH, *map(F.lit, salt))
    return F.pmod(number, F.lit(max(total, 1))) < size
