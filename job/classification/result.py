"""What is known of a saved classifier: result.json, written last, and read before it predicts.

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

from pyspark.sql import SparkSession

from job import files
from job.classification.scores import ClassScore, Scores
from job.errors import IncompatibleClassifierError
from job.features.fingerprint import Fingerprint

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
        if content.keys() != {each.name for each in fields(cls)}:
            raise ValueError(f"other keys: {', '.join(sorted(content))}")
        try:
            return cls(**{**content, **_parts(content)})
        except (TypeError, KeyError) as error:
            raise ValueError(f"its parts have other keys: {error}") from error


def result_path(folder: str) -> str:
    """Where the result of the classifier in `folder` is."""
    return f"{folder}/result.json"


def read_result(spark: SparkSession, folder: str) -> Result:
    """The result of the classifier saved in `folder`. Raises IncompatibleClassifierError."""
    try:
        return Result.from_json(files.read_bytes(spark, result_path(folder)).decode())
    except FileNotFoundError as error:
        raise _unusable(folder, "has no result.json") from error
    except ValueError as error:
        raise _unusable(folder, f"has a result.json of something else: {error}") from error


def require_fingerprint(result: Result, folder: str, theirs: Mapping[str, Any]) -> None:
    """Raise IncompatibleClassifierError, naming what differs, for features of another kind."""
    ours = Fingerprint.from_dict(result.fingerprint)
    differences = ours.differences(Fingerprint.from_dict(theirs))
    if differences:
        raise IncompatibleClassifierError(
            f"{folder} was trained on features of another fingerprint ({'; '.join(differences)})",
            expected="features like those that it was trained on",
            fix="featurize with the same network and options, or run `image-features classify`",
        )


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


def _unusable(folder: str, what: str) -> IncompatibleClassifierError:
    return IncompatibleClassifierError(
        f"{folder} {what}",
        expected="a folder under `classifiers` that `image-features classify` wrote",
        fix="check --model, or run `image-features classify` again",
    )
