"""The stored result of a classifier (result.json, written last), and a summary of predictions.

classifiers/<name>/result.json        scores, split, seed, fingerprint, versions
classifiers/<name>/thumbnails.json    pictures of confused images, for the report
classifiers/<name>/model/             the model, written by its library
classifiers/<name>/pca/               a copy of the fit that computed its components
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from job.analysis.classification.scores import ClassScore, Scores

_FORMAT = 1


@dataclass(frozen=True)
class SplitCounts:
    """How the images were split; `rule` is a text.

    `classes_in_both` of the `classes_tested` are also in training. `groups_in_both` is the number
    of groups in training and test, None without groups.
    """

    rule: str
    seed: int
    train_images: int
    test_images: int
    unlabelled: int
    classes_tested: int
    classes_in_both: int
    groups_in_both: int | None = None


@dataclass(frozen=True)
class NearDuplicates:
    """The effect of near-duplicates in training on the score.

    `images` of the `compared` test images have a training image with a cosine of at least `cosine`.
    `with_them` has the scores of these images, `without` those of the others, both without classes.
    """

    cosine: float
    compared: int
    images: int
    with_them: Scores
    without: Scores


@dataclass(frozen=True)
class ConfusedPair:
    """The images of one class predicted as another, with the paths of some examples."""

    actual: str
    predicted: str
    images: int
    examples: list[str]


@dataclass(frozen=True)
class FoldScore:
    """Accuracy and macro F1 of one fold."""

    fold: int
    images: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class PairedComparison:
    """A comparison with another model: the images that only one of the two predicts correctly."""

    other: str
    only_this: int
    only_other: int


@dataclass(frozen=True)
class ClassifierResult:
    """A classifier, its training data and its scores.

    `columns` is the length of a row; `variance` is the share that the components explain, None for
    features. `confusion` has (actual, predicted, images) of each pair that occurs. Test images are
    never training images of the tested model; with folds, the saved model is trained on all images.
    """

    name: str
    classifier: str
    on: str
    columns: int
    variance: float | None
    run_id: str
    created: str
    fingerprint: dict[str, Any]
    versions: dict[str, str]
    parameters: dict[str, Any]
    class_weight: str
    classes: list[str]
    split: SplitCounts
    scores: Scores
    folds: list[FoldScore]
    confusion: list[tuple[str, str, int]]
    confused: list[ConfusedPair]
    near_duplicates: NearDuplicates
    seconds: dict[str, float]
    against: list[PairedComparison] = field(default_factory=list)

    def to_json(self) -> str:
        """JSON with sorted keys and the format version."""
        return json.dumps(
            {"format": _FORMAT, **asdict(self)}, indent=1, sort_keys=True, ensure_ascii=False
        )

    @classmethod
    def from_json(cls, text: str) -> ClassifierResult:
        """The result that `to_json` wrote. Raises ValueError for anything else."""
        content = json.loads(text)
        if not isinstance(content, dict) or content.pop("format", None) != _FORMAT:
            raise ValueError(f"not a result of format {_FORMAT}")
        return cls.from_dict(content)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ClassifierResult:
        """The result of a dict that `asdict` made. Raises ValueError for anything else."""
        if content.keys() != {field.name for field in fields(cls)}:
            raise ValueError(f"unexpected keys: {', '.join(sorted(content))}")
        try:
            return cls(**{**content, **_parse_parts(content)})
        except (TypeError, KeyError) as error:
            raise ValueError(f"unexpected keys in its parts: {error}") from error


@dataclass(frozen=True)
class PredictionSummary:
    """The number of predicted images, and of those with low confidence.

    `least_confident` has (path, predicted class, probability) of the images of lowest confidence.
    """

    images: int
    low_confidence: int
    least_confident: list[tuple[str, str, float]]


def result_path(folder: str) -> str:
    """The path of the result in a classifier's folder."""
    return f"{folder}/result.json"


def _parse_parts(content: Mapping[str, Any]) -> dict[str, Any]:
    near = content["near_duplicates"]
    near_scores = {name: _parse_scores(near[name]) for name in ("with_them", "without")}
    return {
        "split": SplitCounts(**content["split"]),
        "scores": _parse_scores(content["scores"]),
        "folds": _parse_all(FoldScore, content["folds"]),
        "confusion": [(row[0], row[1], row[2]) for row in content["confusion"]],
        "confused": _parse_all(ConfusedPair, content["confused"]),
        "near_duplicates": NearDuplicates(**{**near, **near_scores}),
        "against": _parse_all(PairedComparison, content["against"]),
    }


def _parse_scores(content: Mapping[str, Any]) -> Scores:
    return Scores(**{**content, "classes": _parse_all(ClassScore, content["classes"])})


def _parse_all(row_type: Any, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [row_type(**row) for row in rows]
