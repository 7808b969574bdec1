"""Computes accuracy, F1 and the most confused classes from a confusion matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

# Images by (actual label, predicted label), without pairs that do not occur.
Confusion = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class, 0 to 1; `support` is the images with its label."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Scores:
    """Accuracy and macro F1 of `images` predictions, 0 to 1, None without images.

    `classes` are in order of their labels.
    """

    images: int
    accuracy: float | None
    macro_f1: float | None
    classes: list[ClassScore] = field(default_factory=list)


def compute_scores(confusion: Confusion) -> Scores:
    """The scores as scikit-learn defines them with `zero_division=0`.

    Macro F1 is the mean over all labels that occur as actual or predicted.
    """
    actual: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    for (label, prediction), images in confusion.items():
        actual[label] += images
        predicted[prediction] += images
    images = actual.total()
    if not images:
        return Scores(0, None, None)
    labels = sorted(actual.keys() | predicted.keys())
    correct = {label: confusion.get((label, label), 0) for label in labels}
    classes = [
        _class_score(label, correct[label], actual[label], predicted[label]) for label in labels
    ]
    macro_f1 = sum(score.f1 for score in classes) / len(classes)
    return Scores(images, sum(correct.values()) / images, macro_f1, classes)


def most_confused(confusion: Confusion, max_pairs: int) -> list[tuple[str, str, int]]:
    """The `max_pairs` most frequent errors as (actual, predicted, images)."""
    errors = [(*pair, images) for pair, images in confusion.items() if pair[0] != pair[1]]
    return sorted(errors, key=lambda error: (-error[2], error[0], error[1]))[:max_pairs]


def _class_score(label: str, correct: int, actual: int, predicted: int) -> ClassScore:
    precision, recall = _ratio(correct, predicted), _ratio(correct, actual)
    # The harmonic mean of precision and recall, without their rounding errors.
    return ClassScore(label, precision, recall, _ratio(2 * correct, actual + predicted), actual)


def _ratio(part: int, total: int) -> float:
    return part / total if total else 0.0
