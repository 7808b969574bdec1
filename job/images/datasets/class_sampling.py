"""Which images a sample has: chosen by the seed and the paths alone, each split by itself."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from job import schemas
from job.config import ImagesConfig, SampleConfig
from job.errors import InvalidValueError
from job.paths import IMAGE_NAME_PATTERN, canonical_path, folder_of

# The folders between the input and that of the class: `Training`, or empty.
SPLIT = "split"
# A path as it is called from the input.
RELATIVE = "relative"
_RANK = "rank"


@dataclass(frozen=True)
class ClassFolder:
    """A class of one split, and how many images of it there are."""

    split: str
    label: str
    images: int


def images_in_classes(listing: DataFrame, images: ImagesConfig) -> DataFrame:
    """path, relative, split and label of the images of `listing` that lie in a folder of a class.

    With the glob `**` an image is what is named like one; another glob says itself what it wants.
    """
    start = len(folder_of(canonical_path(images.input_path))) + 1
    relative = F.substring(schemas.PATH, start, 2**31 - 1)
    parts = F.split(relative, "/")
    # How many folders are above that of the class.
    above = F.size(parts) - F.lit(images.label_level + 1)
    named_so = F.col(schemas.PATH).rlike(IMAGE_NAME_PATTERN)
    wanted = named_so if images.glob == ImagesConfig.glob else F.lit(True)
    return (
        listing.where((above >= 0) & wanted & (F.length(schemas.LABEL) > 0))
        .withColumn(RELATIVE, relative)
        .withColumn(SPLIT, F.array_join(F.slice(parts, F.lit(1), above), "/"))
        .select(schemas.PATH, RELATIVE, SPLIT, schemas.LABEL)
    )


def class_folders(images: DataFrame) -> list[ClassFolder]:
    """The classes of each split, in order; as many rows as there are folders, not images."""
    rows = images.groupBy(SPLIT, schemas.LABEL).count().collect()
    found = [ClassFolder(row[SPLIT], row[schemas.LABEL], row["count"]) for row in rows]
    return sorted(found, key=lambda each: (each.split, each.label))


def chosen_folders(folders: Sequence[ClassFolder], config: SampleConfig) -> list[ClassFolder]:
    """The folders of `config.classes` classes in each split, all where it is None.

    Classes that most splits have come first, so that training and test have the same. Raises
    InvalidValueError where a split has fewer classes.
    """
    if config.classes is None:
        return list(folders)
    splits_with = Counter(each.label for each in folders)
    ranked = sorted(
        folders, key=lambda each: (-splits_with[each.label], _rank(config.seed, each.label))
    )
    chosen = []
    for split in sorted({each.split for each in folders}):
        of_split = [each for each in ranked if each.split == split]
        _require_classes(len(of_split), split, config)
        chosen += of_split[: config.classes]
    return chosen


def chosen_images(
    images: DataFrame, folders: Sequence[ClassFolder], config: SampleConfig
) -> DataFrame:
    """The rows of `images` that the sample has: `config.images_per_class` of each folder."""
    rows = [(each.split, each.label) for each in folders]
    wanted = images.sparkSession.createDataFrame(rows, f"{SPLIT} string, {schemas.LABEL} string")
    of_classes = images.join(F.broadcast(wanted), [SPLIT, schemas.LABEL], how="left_semi")
    if config.images_per_class is None:
        return of_classes
    rank = F.sha2(F.concat(F.lit(f"{config.seed}/"), F.col(RELATIVE)), 256)
    in_folder = Window.partitionBy(SPLIT, schemas.LABEL).orderBy(rank)
    ranked = of_classes.withColumn(_RANK, F.row_number().over(in_folder))
    return ranked.where(F.col(_RANK) <= config.images_per_class).drop(_RANK)


def _rank(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()


def _require_classes(found: int, split: str, config: SampleConfig) -> None:
    assert config.classes is not None
    if found < config.classes:
        where = f"{config.images.input_path}/{split}".rstrip("/")
        raise InvalidValueError(
            f"--classes is {config.classes}, but {where} has {found}",
            expected="at most as many as there are folders with images",
            fix=f"set --classes to {found} or less, or leave it out for all",
        )
