"""Chooses the images of a sample by the seed and the paths alone, separately for each split."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from job import schemas
from job.config import ImagesConfig, SampleConfig
from job.errors import InvalidValueError
from job.paths import IMAGE_NAME_PATTERN, canonical_path, folder_of

# The folders between the input and the class folder: `Training`, or empty.
SPLIT = "split"
# A path relative to the input.
RELATIVE = "relative"
_RANK = "rank"
# An empty component, `.` or `..`: `a//b` and `a/b` would be one file, `../a` one outside.
_NOT_A_FILE_NAME = r"(^|/)\.{0,2}(/|$)"


@dataclass(frozen=True)
class ClassFolder:
    """A class of one split, and the number of its images."""

    split: str
    label: str
    images: int


def images_in_classes(listing: DataFrame, images: ImagesConfig) -> DataFrame:
    """path, relative, split and label of the images of `listing` that lie in a class folder.

    With the glob `**`, images are the objects with an image extension; another glob decides alone.
    """
    start = len(folder_of(canonical_path(images.input_path))) + 1
    relative = F.substring(schemas.PATH, start, 2**31 - 1)
    parts = F.split(relative, "/")
    # The number of folders above the class folder.
    depth = F.size(parts) - F.lit(images.label_level + 1)
    has_image_name = F.col(schemas.PATH).rlike(IMAGE_NAME_PATTERN)
    is_image = has_image_name if images.glob == ImagesConfig.glob else F.lit(True)
    return (
        listing.where((depth >= 0) & is_image & (F.length(schemas.LABEL) > 0))
        .withColumn(RELATIVE, relative)
        .withColumn(SPLIT, F.array_join(F.slice(parts, F.lit(1), depth), "/"))
        .select(schemas.PATH, RELATIVE, SPLIT, schemas.LABEL)
    )


def is_file_name() -> Column:
    """Whether RELATIVE is a path below a folder of a disk; S3 allows any text as a key."""
    return ~F.col(RELATIVE).rlike(_NOT_A_FILE_NAME)


def class_folders(images: DataFrame) -> list[ClassFolder]:
    """The classes of each split, sorted; collects one row per folder, not per image."""
    rows = images.groupBy(SPLIT, schemas.LABEL).count().collect()
    folders = [ClassFolder(row[SPLIT], row[schemas.LABEL], row["count"]) for row in rows]
    return sorted(folders, key=lambda folder: (folder.split, folder.label))


def select_folders(folders: Sequence[ClassFolder], config: SampleConfig) -> list[ClassFolder]:
    """The folders of `config.classes` classes in each split; all folders if it is None.

    Prefers classes that are in most splits, so that training and test get the same classes. Raises
    InvalidValueError if a split has fewer classes.
    """
    if config.classes is None:
        return list(folders)
    splits_by_label = Counter(folder.label for folder in folders)
    ranked = sorted(
        folders,
        key=lambda folder: (-splits_by_label[folder.label], _rank(config.seed, folder.label)),
    )
    selected = []
    for split in sorted({folder.split for folder in folders}):
        split_folders = [folder for folder in ranked if folder.split == split]
        _require_classes(len(split_folders), split, config)
        selected += split_folders[: config.classes]
    return selected


def select_images(
    images: DataFrame, folders: Sequence[ClassFolder], config: SampleConfig
) -> DataFrame:
    """The rows of `images` in the sample: `config.images_per_class` of each of `folders`."""
    rows = [(folder.split, folder.label) for folder in folders]
    selected = images.sparkSession.createDataFrame(rows, f"{SPLIT} string, {schemas.LABEL} string")
    candidates = images.join(F.broadcast(selected), [SPLIT, schemas.LABEL], how="left_semi")
    if config.images_per_class is None:
        return candidates
    rank = F.sha2(F.concat(F.lit(f"{config.seed}/"), F.col(RELATIVE)), 256)
    in_folder = Window.partitionBy(SPLIT, schemas.LABEL).orderBy(rank)
    ranked = candidates.withColumn(_RANK, F.row_number().over(in_folder))
    return ranked.where(F.col(_RANK) <= config.images_per_class).drop(_RANK)


def _rank(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()


def _require_classes(available: int, split: str, config: SampleConfig) -> None:
    assert config.classes is not None
    if available < config.classes:
        path = f"{config.images.input_path}/{split}".rstrip("/")
        raise InvalidValueError(
            f"--classes is {config.classes}, but {path} has {available}",
            expected="at most the number of folders with images",
            fix=f"set --classes to {available} or less, or leave it out for all",
        )
