"""Assigns images to test folds, by seed and path only, independent of partitions."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from job import schemas
from job.config import SplitConfig
from job.paths import glob_pattern

# A group is never split across folds: a single image, or all images of one series.
GROUP = "group"
# The fold of images that are never test images.
TRAIN_ONLY = -1

_IMAGES = "images"
# The `s3a://bucket/` of an object path, or the `file:///` of a local path.
_ROOT = r"\A[A-Za-z0-9]+://[^/]*/"


def assign_folds(images: DataFrame, split: SplitConfig) -> DataFrame:
    """path, label, GROUP and FOLD of each row of `images` (path, label; labels are not null).

    FOLD is 0 to k - 1 for test images, else TRAIN_ONLY. Each class is split separately: its groups
    are ranked by the SHA-256 of `<seed>/<group>`, so the same paths and seed give the same split.
    """
    grouped = images.select(schemas.PATH, schemas.LABEL, _group_column(split).alias(GROUP))
    if split.test_glob is not None:
        is_test = _key(F.col(schemas.PATH)).rlike(rf"\A(?:{glob_pattern(split.test_glob)})\z")
        return grouped.withColumn(schemas.FOLD, _fold_column(is_test))
    return grouped.join(_assign_groups(grouped, split), GROUP, how="inner").select(
        schemas.PATH, schemas.LABEL, GROUP, schemas.FOLD
    )


def has_groups(split: SplitConfig) -> bool:
    """Whether the split keeps groups of images together."""
    return split.group_level is not None or split.group_regex is not None


def _group_column(split: SplitConfig) -> Column:
    path = F.col(schemas.PATH)
    if split.group_level is not None:
        parent = rf"(?s)\A(.*)(?:/[^/]*){{{split.group_level}}}\z"
        return _or_path(F.regexp_extract(path, parent, 1))
    if split.group_regex is not None:
        return _or_path(F.regexp_extract(path, split.group_regex, 0))
    return path


def _or_path(group: Column) -> Column:
    """An image without a group forms its own group."""
    return F.when(group == "", F.col(schemas.PATH)).otherwise(group)


def _key(path: Column) -> Column:
    return F.regexp_replace(path, _ROOT, "")


def _assign_groups(grouped: DataFrame, split: SplitConfig) -> DataFrame:
    """GROUP and FOLD, one row per group; a group with several labels belongs to the first label."""
    groups = grouped.groupBy(GROUP).agg(
        F.min(schemas.LABEL).alias(schemas.LABEL), F.count(F.lit(1)).alias(_IMAGES)
    )
    rank = F.sha2(F.concat(F.lit(f"{split.seed}/"), F.col(GROUP)), 256)
    ranked = Window.partitionBy(schemas.LABEL).orderBy(rank, GROUP)
    if split.folds is not None:
        # Classes start at different folds. Otherwise small classes would all be in the first fold.
        folds = F.lit(split.folds)
        start = F.pmod(F.xxhash64(schemas.LABEL, F.lit(split.seed)), folds)
        fold = F.pmod(F.row_number().over(ranked) + start, folds).cast("int")
    else:
        fold = _fold_column(_within_share(ranked, split.share))
    return groups.select(GROUP, fold.alias(schemas.FOLD))


def _within_share(ranked: WindowSpec, share: float) -> Column:
    """Whether a group's middle image is within the first `share` of its class."""
    before = F.sum(_IMAGES).over(ranked.rowsBetween(Window.unboundedPreceding, -1))
    total = F.sum(_IMAGES).over(Window.partitionBy(schemas.LABEL))
    return F.coalesce(before, F.lit(0)) + F.col(_IMAGES) / 2 <= F.lit(share) * total


def _fold_column(is_test: Column) -> Column:
    return F.when(is_test, 0).otherwise(TRAIN_ONLY).cast("int")
