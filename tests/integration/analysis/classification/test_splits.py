"""Splits depend only on seed and path, divide each class, and keep groups whole."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

import pytest
from pyspark.sql import SparkSession

from job.analysis.classification.splits import GROUP, assign_folds
from job.config import SplitConfig

Folds = dict[str, int]

# Two rotation series of each fruit, named as in Fruits-360, with classes of different sizes.
PATHS = [
    f"s3a://bucket/fruits/{label}/{series}{degrees}_100.jpg"
    for label, angles in {"Apple": 10, "Pear": 5, "Plum": 20}.items()
    for series in ("", "r_")
    for degrees in range(angles)
]
SERIES = r"^.*/(?:r_)?"


def label_of(path: str) -> str:
    return path.split("/")[-2]


def folds_of(spark: SparkSession, split: SplitConfig, paths: list[str], parts: int = 1) -> Folds:
    rows = [(path, label_of(path)) for path in paths]
    images = spark.createDataFrame(rows, "path string, label string").repartition(parts)
    return {row.path: row.fold for row in assign_folds(images, split).collect()}


def test_a_share_of_each_class_is_tested(spark: SparkSession) -> None:
    folds = folds_of(spark, SplitConfig(share=0.2), PATHS)
    assert len(folds) == len(PATHS)
    tests = Counter(label_of(path) for path, fold in folds.items() if fold == 0)
    assert tests == {"Apple": 4, "Pear": 2, "Plum": 8}
    # The test images are the first ones by the hash of seed and path.
    pears = sorted(
        (path for path in PATHS if label_of(path) == "Pear"),
        key=lambda path: sha256(f"0/{path}".encode()).hexdigest(),
    )
    assert {path for path in pears if folds[path] == 0} == set(pears[:2])


@pytest.mark.parametrize("split", [SplitConfig(share=0.3), SplitConfig(folds=4)])
def test_the_split_does_not_depend_on_order_or_partitions(
    spark: SparkSession, split: SplitConfig
) -> None:
    folds = folds_of(spark, split, PATHS)
    assert folds_of(spark, split, PATHS[::-1], parts=7) == folds
    without_plums = [path for path in PATHS if label_of(path) != "Plum"]
    assert folds_of(spark, split, without_plums).items() <= folds.items()


def test_another_seed_gives_another_split(spark: SparkSession) -> None:
    first, second = (folds_of(spark, SplitConfig(seed=seed), PATHS) for seed in (0, 1))
    assert first != second
    assert Counter(first.values()) == Counter(second.values())


def test_each_image_is_in_one_test_fold(spark: SparkSession) -> None:
    folds = folds_of(spark, SplitConfig(folds=3), PATHS)
    assert len(folds) == len(PATHS)
    for label, sizes in {"Apple": [6, 7, 7], "Pear": [3, 3, 4], "Plum": [13, 13, 14]}.items():
        of_class = Counter(fold for path, fold in folds.items() if label_of(path) == label)
        assert set(of_class) == {0, 1, 2}
        assert sorted(of_class.values()) == sizes


@pytest.mark.parametrize(
    "paths",
    [
        ["s3a://bucket/fruits/Test/Plum/1.jpg", "s3a://bucket/fruits/Training/Plum/1.jpg"],
        ["file:///data/Test/Plum/1.jpg", "file:///data/Training/Test.jpg"],
        ["s3a://bucket/Test/Plum/a\nb.jpg", "s3a://Test/Plum/1.jpg"],
    ],
)
def test_a_glob_selects_the_test_images(spark: SparkSession, paths: list[str]) -> None:
    folds = folds_of(spark, SplitConfig(test_glob="**/Test/**"), paths)
    assert [folds[path] for path in paths] == [0, -1]


@pytest.mark.parametrize(
    ("split", "groups"),
    [
        (SplitConfig(folds=2, group_regex=SERIES), 6),
        (SplitConfig(share=0.5, group_regex=SERIES), 6),
        (SplitConfig(folds=3, group_level=1), 3),
    ],
)
def test_groups_stay_whole(spark: SparkSession, split: SplitConfig, groups: int) -> None:
    rows = [(path, label_of(path)) for path in PATHS]
    images = spark.createDataFrame(rows, "path string, label string")
    assigned = assign_folds(images, split).collect()
    by_group: dict[str, set[int]] = {}
    for row in assigned:
        by_group.setdefault(row[GROUP], set()).add(row.fold)
    assert len(assigned) == len(PATHS)
    assert len(by_group) == groups
    assert all(len(folds) == 1 for folds in by_group.values())


def test_half_of_the_series_of_each_class_are_tested(spark: SparkSession) -> None:
    folds = folds_of(spark, SplitConfig(share=0.5, group_regex=SERIES), PATHS)
    tests = Counter(label_of(path) for path, fold in folds.items() if fold == 0)
    assert tests == {"Apple": 10, "Pear": 5, "Plum": 20}


def test_an_image_without_a_group_is_its_own_group(spark: SparkSession) -> None:
    folds = folds_of(spark, SplitConfig(share=0.5, group_regex="no such text"), PATHS)
    assert Counter(folds.values()) == {0: 35, -1: 35}
