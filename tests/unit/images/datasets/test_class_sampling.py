"""The classes of a sample."""

from __future__ import annotations

from typing import Any

import pytest

from job.config import ImagesConfig, SampleConfig
from job.errors import InvalidValueError
from job.images.datasets.class_sampling import ClassFolder, select_folders

BOTH = [
    ClassFolder(split, f"Class {number}", 100)
    for split in ("Training", "Test")
    for number in range(20)
]


def labels(folders: list[ClassFolder], split: str = "Training", **options: Any) -> list[str]:
    config = SampleConfig(ImagesConfig("s3a://bucket/in"), "s3a://bucket/out", **options)
    selected = select_folders(folders, config)
    return sorted(folder.label for folder in selected if folder.split == split)


def test_the_sample_has_the_requested_number_of_classes() -> None:
    assert len(labels(BOTH, classes=6)) == 6


def test_training_and_test_have_the_same_classes() -> None:
    assert labels(BOTH, "Training", classes=6) == labels(BOTH, "Test", classes=6)


def test_a_class_missing_in_one_split_comes_last() -> None:
    folders = [folder for folder in BOTH if folder != ClassFolder("Test", "Class 7", 100)]

    assert labels(folders, "Training", classes=19) == labels(folders, "Test", classes=19)
    assert "Class 7" not in labels(folders, "Training", classes=19)
    assert "Class 7" in labels(folders, "Training", images_per_class=1)


def test_the_choice_depends_on_the_seed_and_not_on_the_order() -> None:
    assert labels(BOTH[::-1], classes=6, seed=1) == labels(BOTH, classes=6, seed=1)
    assert labels(BOTH, classes=6, seed=2) != labels(BOTH, classes=6, seed=1)


def test_fewer_classes_than_requested_are_refused_with_the_split() -> None:
    folders = [*BOTH, ClassFolder("Extra", "Class 1", 5)]

    with pytest.raises(InvalidValueError) as raised:
        labels(folders, classes=2)

    assert str(raised.value).startswith("--classes is 2, but s3a://bucket/in/Extra has 1; expected")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 0}, "--classes is 0"),
        ({"images_per_class": -1}, "--images-per-class is -1"),
        ({}, "neither --classes nor --images-per-class is given"),
    ],
)
def test_an_empty_sample_is_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        SampleConfig(ImagesConfig("in"), "out", **options)


def test_a_sample_needs_labels() -> None:
    with pytest.raises(InvalidValueError, match="--label-level is 0"):
        SampleConfig(ImagesConfig("in", label_level=0), "out", classes=1)
