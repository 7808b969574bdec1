"""`image-features classify`: split, train, score, save; the driver holds classes, never images."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from typing import Any, TypeVar

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.analysis.classification.classifiers import CLASSIFIERS, Trained, model_name, train
from job.analysis.classification.confusion import (
    confusion_of,
    count_cells,
    fold_scores,
    near_duplicates_of,
    paired,
)
from job.analysis.classification.dataset import (
    LabelledSplit,
    assignment_of,
    labelled_rows,
    labelled_split,
)
from job.analysis.classification.examples import MOST_PAIRS, thumbnails, with_examples
from job.analysis.classification.near_duplicates import Nearest, nearest_in_training
from job.analysis.classification.result import Result, result_path
from job.analysis.classification.scores import most_confused, scores
from job.config import ClassifyConfig
from job.output.layout import Layout
from job.reduction.bundle import Bundle, copy_bundle
from job.runtime import filesystem
from job.runtime.progress import Stages
from job.runtime.spark_errors import waiting_out

T = TypeVar("T")


@dataclass(frozen=True)
class Classifying:
    """All that the steps of one `classify` share; `bundle` is there for components."""

    spark: SparkSession
    config: ClassifyConfig
    features: DataFrame
    fingerprint: Mapping[str, Any]
    versions: Mapping[str, str]
    bundle: Bundle | None
    layout: Layout
    stages: Stages

    def waiting(self, step: Callable[[], T]) -> T:
        return waiting_out(step, self.config.output_path)

    def staged(self, name: str, rows: DataFrame) -> DataFrame:
        """Write `rows` once under the staging path and read them back: nothing is done twice."""
        path = f"{self.layout.staging(self.config.run_id)}/{name}"
        self.waiting(lambda: rows.write.mode("overwrite").parquet(path))
        return self.waiting(lambda: self.spark.read.parquet(path))


@dataclass(frozen=True)
class _Scored:
    """Predictions of models that have not seen what they predict, by fold, and what they took."""

    predictions: DataFrame
    models: dict[int, Trained]
    seconds: dict[str, float]


def classify(this: Classifying) -> list[Result]:
    """Train, score and save each classifier on each input; their results, in that order.

    Raises InvalidValueError where the split leaves nothing to train on or to test.
    """
    with this.stages.stage("split"):
        split = _split(this)
        needed = dict.fromkeys((schemas.FEATURES, *this.config.inputs))
        rows = {on: _rows(this, split, on) for on in needed}
    with this.stages.stage("near-duplicates", total=split.tests):
        nearest = this.waiting(
            lambda: nearest_in_training(rows[schemas.FEATURES], split.tests, this.config.split.seed)
        )
    results: list[Result] = []
    scored: dict[str, _Scored] = {}
    for classifier in dict.fromkeys(this.config.classifiers):
        for on in this.config.inputs:
            name = model_name(classifier, on)
            scored[on] = _predicted(this, classifier, on, rows[on], split)
            result = _result(this, classifier, on, scored[on], split, nearest)
            if on == schemas.PCA and schemas.FEATURES in scored:
                result = _against_features(this, result, scored)
            with this.stages.stage(f"save {name}"):
                _save(this, result, _final(this, result, rows[on], split, scored[on]))
            results.append(result)
    return results


def _split(this: Classifying) -> LabelledSplit:
    config = this.config.split
    assignment = this.staged("classify/split", assignment_of(this.features, config))
    images = this.waiting(this.features.count)
    return this.waiting(lambda: labelled_split(assignment, images, config))


def _rows(this: Classifying, split: LabelledSplit, on: str) -> DataFrame:
    fit = this.bundle.fit if on == schemas.PCA and this.bundle else None
    return this.staged(f"classify/{on}", labelled_rows(this.features, split, fit))


def _predicted(
    this: Classifying, classifier: str, on: str, rows: DataFrame, split: LabelledSplit
) -> _Scored:
    """Predictions of each fold by what was trained on the others."""
    name = model_name(classifier, on)
    seconds: dict[str, float] = {}
    with this.stages.stage(f"train {name}"):
        began = time.monotonic()
        models = {fold: _train(this, classifier, on, rows, split, fold) for fold in split.folds}
        seconds["train"] = round(time.monotonic() - began, 3)
    with this.stages.stage(f"test {name}", total=split.tests):
        began = time.monotonic()
        of_folds = [
            model.predict(rows.where(F.col(schemas.FOLD) == fold)) for fold, model in models.items()
        ]
        predictions = reduce(DataFrame.unionByName, of_folds).select(
            schemas.PATH, schemas.LABEL, schemas.FOLD, schemas.PREDICTED
        )
        staged = this.staged(f"classify/predictions/{name}", predictions)
        seconds["test"] = round(time.monotonic() - began, 3)
    return _Scored(staged, models, seconds)


def _train(
    this: Classifying,
    classifier: str,
    on: str,
    rows: DataFrame,
    split: LabelledSplit,
    fold: int | None,
) -> Trained:
    """What is trained on all rows but those of `fold`; on all where it is None."""
    config = this.config
    others = rows if fold is None else rows.where(F.col(schemas.FOLD) != fold)
    counts, weighs = split.of_training(fold), config.class_weight == "balanced"
    return this.waiting(
        lambda: train(classifier, others, counts, on, weighs=weighs, seed=config.split.seed)
    )


def _final(
    this: Classifying, result: Result, rows: DataFrame, split: LabelledSplit, scored: _Scored
) -> Trained:
    """The model that is saved: the one that was tested, with folds one of all images."""
    if this.config.split.folds:
        return _train(this, result.classifier, result.on, rows, split, None)
    return scored.models[0]


def _result(
    this: Classifying,
    classifier: str,
    on: str,
    scored: _Scored,
    split: LabelledSplit,
    nearest: Sequence[Nearest],
) -> Result:
    config, bundle = this.config, this.bundle if on == schemas.PCA else None
    cells = this.waiting(lambda: count_cells(scored.predictions, nearest, config.duplicate_cosine))
    confusion = confusion_of(cells)
    pairs = most_confused(confusion, MOST_PAIRS)
    confused = this.waiting(lambda: with_examples(scored.predictions, pairs)) if pairs else []
    return Result(
        name=model_name(classifier, on),
        classifier=classifier,
        on=on,
        columns=bundle.manifest.k if bundle else this.waiting(lambda: _width(this.features)),
        variance=bundle.manifest.variance_explained if bundle else None,
        run_id=config.run_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=dict(this.fingerprint),
        versions=dict(this.versions),
        parameters=CLASSIFIERS[classifier].parameters(on),
        class_weight=config.class_weight,
        classes=sorted(split.of_training(None if config.split.folds else 0)),
        split=split.described(config.split),
        scores=scores(confusion),
        folds=fold_scores(cells),
        confusion=[(*pair, images) for pair, images in sorted(confusion.items())],
        confused=confused,
        near_duplicates=near_duplicates_of(cells, config.duplicate_cosine),
        seconds=scored.seconds,
    )


def _against_features(this: Classifying, result: Result, scored: Mapping[str, _Scored]) -> Result:
    """The result on components, with what features make of the same images."""
    other = model_name(result.classifier, schemas.FEATURES)
    ours, theirs = scored[schemas.PCA].predictions, scored[schemas.FEATURES].predictions
    return replace(result, against=[this.waiting(lambda: paired(ours, theirs, other))])


def _save(this: Classifying, result: Result, trained: Trained) -> None:
    """Write the classifier's folder; its result goes first and comes last."""
    folder = f"{this.layout.classifiers}/{result.name}"
    paths = [path for pair in result.confused for path in pair.examples]
    rotates = bool(this.fingerprint.get("exif_rotate"))

    def write() -> None:
        filesystem.delete(this.spark, folder)
        CLASSIFIERS[result.classifier].save(this.spark, trained.model, f"{folder}/model")
        if result.on == schemas.PCA and this.bundle:
            copy_bundle(this.spark, this.bundle, f"{folder}/pca")
        pictures = json.dumps(thumbnails(this.spark, paths, exif_rotate=rotates))
        filesystem.write_bytes(this.spark, f"{folder}/thumbnails.json", pictures.encode())
        filesystem.write_bytes(this.spark, result_path(folder), result.to_json().encode())

    this.waiting(write)


def _width(features: DataFrame) -> int:
    first = features.select(F.size(schemas.FEATURES)).first()
    assert first is not None
    return int(first[0])
