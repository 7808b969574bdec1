"""A bounded sample of images, chosen by their paths: the same whatever partitions and order."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from job import schemas


def sampled(total: int, most: int, *salt: int) -> Column:
    """Whether a row is of a sample of about `most` of `total` rows, all where there are no more.

    By a hash of the column path, which another `salt` makes another one.
    """
    number = F.xxhash64(schemas.PATH, *[F.lit(each) for each in salt])
    return F.pmod(number, F.lit(max(total, 1))) < most
