"""How good predictions are: accuracy, F1 and the confused classes, out of the counts of pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

# Images by (actual label, predicted label); pairs that do not occur are left out.
Confusion = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class, 0 to 1, and how many images have its label."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Scores:
    """Accuracy and macro F1, 0 to 1, of `images` predictions; `classes` in order of their labels.

    None where there is no image.
    """

    images: int
    accuracy: float | None
    macro_f1: float | None
    classes: list[ClassScore] = field(default_factory=list)


def scores(confusion: Confusion) -> Scores:
    """The scores of predictions, as scikit-learn defines them with `zero_division=0`.

    Macro F1 is the mean over all labels that occur as actual or as predicted.
    """
    actual: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    for (label, guess), images in confusion.items():
        actual[label] += images
        predicted[guess] += images
    images = actual.total()
    if not images:
        return Scores(0, None, None)
    labels = sorted(actual.keys() | predicted.keys())
    right = {label: confusion.get((label, label), 0) for label in labels}
    classes = [_class_score(each, right[each], actual[each], predicted[each]) for each in labels]
    macro_f1 = sum(each.f1 for each in classes) / len(classes)
    return Scores(images, sum(right.values()) / images, macro_f1, classes)


def most_confused(confusion: Confusion, most: int) -> list[tuple[str, str, int]]:
    """The `most` pairs (actual, predicted, images) of two classes that occur most often."""
    wrong = [(*pair, images) for pair, images in confusion.items() if pair[0] != pair[1]]
    return sorted(wrong, key=lambda each: (-each[2], each[0], each[1]))[:most]


def _class_score(label: str, right: int, actual: int, predicted: int) -> ClassScore:
    precision, recall = _ratio(right, predicted), _ratio(right, actual)
    # The harmonic mean of both, without their rounding.
    return ClassScore(label, precision, recall, _ratio(2 * right, actual + predicted), actual)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
