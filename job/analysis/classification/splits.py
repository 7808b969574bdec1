"""Which images test a classifier: by the seed and the paths alone, whatever the partitions."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from job import schemas
from job.config import SplitConfig
from job.paths import glob_pattern

# What may not be torn apart: an image by itself, or all images of one series.
GROUP = "group"
# The fold of what trains and never tests.
ONLY_TRAINS = -1

_IMAGES = "images"
# `s3a://bucket/` of a path, and `file:///` of a local one.
_ROOT = r"\A[A-Za-z0-9]+://[^/]*/"


def assigned(images: DataFrame, split: SplitConfig) -> DataFrame:
    """path, label, GROUP and FOLD of each row of `images` (path, label, no label null).

    FOLD is 0 to k - 1 where the image tests, ONLY_TRAINS where it does not. Each class is split by
    itself: its groups are ranked by the SHA-256 of `<seed>/<group>`, so the same paths and seed
    give the same split.
    """
    grouped = images.select(schemas.PATH, schemas.LABEL, _group(split).alias(GROUP))
    if split.test_glob is not None:
        tests = _key(F.col(schemas.PATH)).rlike(rf"\A(?:{glob_pattern(split.test_glob)})\z")
        return grouped.withColumn(schemas.FOLD, _fold_if(tests))
    return grouped.join(_fold_of_groups(grouped, split), GROUP, how="inner").select(
        schemas.PATH, schemas.LABEL, GROUP, schemas.FOLD
    )


def has_groups(split: SplitConfig) -> bool:
    """Whether images were asked to stay together."""
    return split.group_level is not None or split.group_regex is not None


def _group(split: SplitConfig) -> Column:
    path = F.col(schemas.PATH)
    if split.group_level is not None:
        above = rf"(?s)\A(.*)(?:/[^/]*){{{split.group_level}}}\z"
        return _or_alone(F.regexp_extract(path, above, 1))
    if split.group_regex is not None:
        return _or_alone(F.regexp_extract(path, split.group_regex, 0))
    return path


def _or_alone(group: Column) -> Column:
    """An image of no group is one by itself."""
    return F.when(group == "", F.col(schemas.PATH)).otherwise(group)


def _key(path: Column) -> Column:
    return F.regexp_replace(path, _ROOT, "")


def _fold_of_groups(grouped: DataFrame, split: SplitConfig) -> DataFrame:
    """GROUP and FOLD, one row a group; a group of several labels counts with the first of them."""
    groups = grouped.groupBy(GROUP).agg(
        F.min(schemas.LABEL).alias(schemas.LABEL), F.count(F.lit(1)).alias(_IMAGES)
    )
    rank = F.sha2(F.concat(F.lit(f"{split.seed}/"), F.col(GROUP)), 256)
    of_class = Window.partitionBy(schemas.LABEL).orderBy(rank, GROUP)
    if split.folds is not None:
        # Classes begin at different folds: else those of few groups would all test in the first.
        folds = F.lit(split.folds)
        start = F.pmod(F.xxhash64(schemas.LABEL, F.lit(split.seed)), folds)
        fold = F.pmod(F.row_number().over(of_class) + start, folds).cast("int")
    else:
        fold = _fold_if(_within_share(of_class, split.share))
    return groups.select(GROUP, fold.alias(schemas.FOLD))


def _within_share(of_class: WindowSpec, share: float) -> Column:
    """The first groups of a class, up to the one whose middle image is beyond the share."""
    before = F.sum(_IMAGES).over(of_class.rowsBetween(Window.unboundedPreceding, -1))
    whole = F.sum(_IMAGES).over(Window.partitionBy(schemas.LABEL))
    return F.coalesce(before, F.lit(0)) + F.col(_IMAGES) / 2 <= F.lit(share) * whole


def _fold_if(tests: Column) -> Column:
    return F.when(tests, 0).otherwise(ONLY_TRAINS).cast("int")
