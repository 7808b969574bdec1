"""What is known of a saved classifier: result.json, written last, and what it has predicted.

classifiers/<name>/result.json        scores, split, seed, fingerprint, versions
classifiers/<name>/thumbnails.json    pictures of confused images, for the report
classifiers/<name>/model/             the model, by its library's own writer
classifiers/<name>/pca/               a copy of the fit whose components it was trained on
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
    """How images were split; `rule` says it in words.

    `classes_in_both` of the `classes_tested` are in training too; so are `groups_in_both` of the
    groups tested, None where no groups were asked for.
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
    """What test images with nearly the same image in training do to a score.

    `images` of the `compared` test images have a training image of at least `cosine`; `with_them`
    and `without` are the scores on those and on the others, without their classes.
    """

    cosine: float
    compared: int
    images: int
    with_them: Scores
    without: Scores


@dataclass(frozen=True)
class ConfusedPair:
    """Images of one class taken for another, and the paths of some of them."""

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
class Paired:
    """The same images by another model: how many only one of both has right."""

    other: str
    only_this: int
    only_other: int


@dataclass(frozen=True)
class Result:
    """A classifier, what it was trained on and how good it is.

    `columns` is the length of a row, `confusion` has (actual, predicted, images) of each pair that
    occurs, `variance` is the share that the components explain, None on features. Scores are of
    models that have not seen the images they are of; with folds the saved model has seen all.
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
    against: list[Paired] = field(default_factory=list)

    def to_json(self) -> str:
        """JSON with sorted keys, and the number of its format."""
        return json.dumps(
            {"format": _FORMAT, **asdict(self)}, indent=1, sort_keys=True, ensure_ascii=False
        )

    @classmethod
    def from_json(cls, text: str) -> Result:
        """The result that `to_json` wrote. Raises ValueError for anything else."""
        content = json.loads(text)
        if not isinstance(content, dict) or content.pop("format", None) != _FORMAT:
            raise ValueError(f"not a result of format {_FORMAT}")
        return cls.from_dict(content)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Result:
        """The result that `asdict` made a dict. Raises ValueError for anything else."""
        if content.keys() != {each.name for each in fields(cls)}:
            raise ValueError(f"other keys: {', '.join(sorted(content))}")
        try:
            return cls(**{**content, **_parts(content)})
        except (TypeError, KeyError) as error:
            raise ValueError(f"its parts have other keys: {error}") from error


@dataclass(frozen=True)
class Predicted:
    """How many images were predicted, how many with low confidence, and the first of these.

    `least_sure` has (path, predicted class, its probability).
    """

    images: int
    unsure: int
    least_sure: list[tuple[str, str, float]]


def result_path(folder: str) -> str:
    """Where the result of the classifier in `folder` is."""
    return f"{folder}/result.json"


def _parts(content: Mapping[str, Any]) -> dict[str, Any]:
    near = content["near_duplicates"]
    return {
        "split": SplitCounts(**content["split"]),
        "scores": _scores(content["scores"]),
        "folds": _all(FoldScore, content["folds"]),
        "confusion": [(row[0], row[1], row[2]) for row in content["confusion"]],
        "confused": _all(ConfusedPair, content["confused"]),
        "near_duplicates": NearDuplicates(
            **{**near, "with_them": _scores(near["with_them"]), "without": _scores(near["without"])}
        ),
        "against": _all(Paired, content["against"]),
    }


def _scores(content: Mapping[str, Any]) -> Scores:
    return Scores(**{**content, "classes": _all(ClassScore, content["classes"])})


def _all(kind: Any, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [kind(**row) for row in rows]
