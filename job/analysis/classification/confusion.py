"""Counts test images by fold, pair of classes and near-duplicates: the basis of all scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from job import schemas
from job.analysis.classification.near_duplicates import NearestImage
from job.analysis.classification.result import FoldScore, NearDuplicates, PairedComparison
from job.analysis.classification.scores import Scores, compute_scores
from job.runtime.retries import retried

# Whether a test image has a near-duplicate in training; null if it was not compared.
_DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Cell:
    """The number of images of a fold with this (label, prediction) pair."""

    fold: int
    duplicate: bool | None
    pair: tuple[str, str]
    images: int


@retried
def count_cells(
    predictions: DataFrame, nearest: Sequence[NearestImage], cosine: float
) -> list[Cell]:
    """The cells of all test images; their number grows with pairs of classes, not with images."""
    marks = [(match.path, match.cosine >= cosine) for match in nearest]
    compared = predictions.sparkSession.createDataFrame(
        marks, f"{schemas.PATH} string, {_DUPLICATE} boolean"
    )
    keys = (schemas.FOLD, _DUPLICATE, schemas.LABEL, schemas.PREDICTED)
    rows = predictions.join(compared, schemas.PATH, how="left").groupBy(*keys).count().collect()
    return [
        Cell(fold, duplicate, (actual, predicted), images)
        for fold, duplicate, actual, predicted, images in rows
    ]


def confusion_counts(cells: Sequence[Cell]) -> dict[tuple[str, str], int]:
    """Images by (actual, predicted) over all folds."""
    counts: Counter[tuple[str, str]] = Counter()
    for cell in cells:
        counts[cell.pair] += cell.images
    return dict(counts)


def fold_scores(cells: Sequence[Cell]) -> list[FoldScore]:
    """The score of each fold, in order."""
    results = []
    for fold in sorted({cell.fold for cell in cells}):
        scores = compute_scores(confusion_counts([cell for cell in cells if cell.fold == fold]))
        assert scores.accuracy is not None
        assert scores.macro_f1 is not None
        results.append(FoldScore(fold, scores.images, scores.accuracy, scores.macro_f1))
    return results


def near_duplicate_scores(cells: Sequence[Cell], cosine: float) -> NearDuplicates:
    """The scores of images with a near-duplicate in training, and of images without one."""

    def scores_of(duplicate: bool) -> Scores:
        selected = [cell for cell in cells if cell.duplicate is duplicate]
        return replace(compute_scores(confusion_counts(selected)), classes=[])

    duplicates, others = scores_of(True), scores_of(False)
    compared = duplicates.images + others.images
    return NearDuplicates(cosine, compared, duplicates.images, duplicates, others)


@retried
def compare_predictions(first: DataFrame, second: DataFrame, second_name: str) -> PairedComparison:
    """Count the images that only one of two models predicts correctly.

    `first` and `second` have path, label and PREDICTED of the same images.
    """
    correct = F.col(schemas.LABEL) == F.col(schemas.PREDICTED)
    both = first.select(schemas.PATH, correct.alias("first")).join(
        second.select(schemas.PATH, correct.alias("second")), schemas.PATH, how="inner"
    )
    rows = both.groupBy("first", "second").count().collect()
    counts = {(row["first"], row["second"]): row["count"] for row in rows}
    only_first, only_second = counts.get((True, False), 0), counts.get((False, True), 0)
    return PairedComparison(second_name, only_first, only_second)
