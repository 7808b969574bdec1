"""The counts that all scores are made of: by fold, pair of classes and near-duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from job import schemas
from job.analysis.classification.near_duplicates import Nearest
from job.analysis.classification.result import FoldScore, NearDuplicates, Paired
from job.analysis.classification.scores import Scores, scores
from job.runtime.retries import retried

# Whether a test image has a near-duplicate in training; null where it was not compared.
_DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Cell:
    """How many images of one fold have this label and this prediction."""

    fold: int
    duplicate: bool | None
    pair: tuple[str, str]
    images: int


@retried
def count_cells(predictions: DataFrame, nearest: Sequence[Nearest], cosine: float) -> list[Cell]:
    """The counts that all scores are made of: as many as there are confused pairs, not images."""
    marks = [(each.path, each.cosine >= cosine) for each in nearest]
    compared = predictions.sparkSession.createDataFrame(
        marks, f"{schemas.PATH} string, {_DUPLICATE} boolean"
    )
    keys = (schemas.FOLD, _DUPLICATE, schemas.LABEL, schemas.PREDICTED)
    rows = predictions.join(compared, schemas.PATH, how="left").groupBy(*keys).count().collect()
    return [Cell(fold, mark, (actual, guess), n) for fold, mark, actual, guess, n in rows]


def confusion_of(cells: Sequence[Cell]) -> dict[tuple[str, str], int]:
    """Images by (actual, predicted), whatever their fold."""
    counts: Counter[tuple[str, str]] = Counter()
    for cell in cells:
        counts[cell.pair] += cell.images
    return dict(counts)


def fold_scores(cells: Sequence[Cell]) -> list[FoldScore]:
    """The score of each fold, in order."""
    found = []
    for fold in sorted({cell.fold for cell in cells}):
        of_fold = scores(confusion_of([cell for cell in cells if cell.fold == fold]))
        assert of_fold.accuracy is not None
        assert of_fold.macro_f1 is not None
        found.append(FoldScore(fold, of_fold.images, of_fold.accuracy, of_fold.macro_f1))
    return found


def near_duplicates_of(cells: Sequence[Cell], cosine: float) -> NearDuplicates:
    """The scores of images with a near-duplicate in training, and of those without."""

    def without_classes(duplicate: bool) -> Scores:
        chosen = [cell for cell in cells if cell.duplicate is duplicate]
        return replace(scores(confusion_of(chosen)), classes=[])

    with_them, without = without_classes(True), without_classes(False)
    compared = with_them.images + without.images
    return NearDuplicates(cosine, compared, with_them.images, with_them, without)


@retried
def paired(ours: DataFrame, theirs: DataFrame, other: str) -> Paired:
    """Two models on the same images: how many only one of both has right.

    `ours` and `theirs` have path, label and PREDICTED; `other` is the name of theirs.
    """
    right = F.col(schemas.LABEL) == F.col(schemas.PREDICTED)
    both = ours.select(schemas.PATH, right.alias("ours")).join(
        theirs.select(schemas.PATH, right.alias("theirs")), schemas.PATH, how="inner"
    )
    rows = both.groupBy("ours", "theirs").count().collect()
    counts = {(row["ours"], row["theirs"]): row["count"] for row in rows}
    return Paired(other, counts.get((True, False), 0), counts.get((False, True), 0))
