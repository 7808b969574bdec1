"""Near-duplicates in training, on vectors small enough to check by hand."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from job import schemas
from job.analysis.classification.near_duplicates import find_nearest_in_training

Row = tuple[str, str, int, list[float]]


def nearest(spark: SparkSession, rows: list[Row], parts: int = 1) -> dict[str, tuple[str, float]]:
    frame = spark.createDataFrame(rows, schemas.LABELLED_SCHEMA).repartition(parts)
    test_images = sum(fold >= 0 for _, _, fold, _ in rows)
    matches = find_nearest_in_training(frame, test_images, seed=0)
    return {match.path: (match.nearest, pytest.approx(match.cosine, abs=1e-6)) for match in matches}


@pytest.mark.parametrize("parts", [1, 5])
def test_the_nearest_training_image_is_found(spark: SparkSession, parts: int) -> None:
    rows: list[Row] = [
        ("right", "A", -1, [1.0, 0.0]),
        ("up", "A", -1, [0.0, 3.0]),
        ("nothing", "A", -1, [0.0, 0.0]),
        ("same", "A", 0, [2.0, 0.0]),
        ("slanted", "B", 0, [3.0, 4.0]),
        ("like slanted", "B", 0, [3.0, 4.0]),
    ]
    # Similar test images are not near-duplicates in training.
    assert nearest(spark, rows, parts) == {
        "same": ("right", 1.0),
        "slanted": ("up", 0.8),
        "like slanted": ("up", 0.8),
    }


def test_with_folds_the_other_folds_are_training(spark: SparkSession) -> None:
    rows: list[Row] = [
        ("a", "A", 0, [1.0, 0.0]),
        ("also a", "A", 0, [1.0, 0.0]),
        ("b", "A", 1, [0.6, 0.8]),
        ("c", "A", 2, [0.0, 1.0]),
    ]
    assert nearest(spark, rows) == {
        "a": ("b", 0.6),
        "also a": ("b", 0.6),
        "b": ("c", 0.8),
        "c": ("b", 0.8),
    }


def test_only_a_bounded_sample_of_many_test_images_is_compared(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("job.analysis.classification.near_duplicates.MAX_COMPARED", 50)
    rows: list[Row] = [(f"test {number}", "A", 0, [1.0, float(number)]) for number in range(400)]
    compared = nearest(spark, [*rows, ("training", "A", -1, [1.0, 0.0])])
    assert 20 < len(compared) < 100
