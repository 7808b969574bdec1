"""`image-features classify`: split, train, score, save; the driver holds classes, never images."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
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
from job.layout import Layout
from job.reduction.bundle import Bundle, copy_bundle
from job.runtime import filesystem
from job.runtime.progress import Steps
from job.runtime.retries import retried

T = TypeVar("T")


@dataclass(frozen=True)
class ClassifyRun:
    """All that the steps of one `classify` share; `bundle` is there for components."""

    spark: SparkSession
    config: ClassifyConfig
    features: DataFrame
    fingerprint: Mapping[str, Any]
    versions: Mapping[str, str]
    bundle: Bundle | None
    layout: Layout
    staging: str
    steps: Steps

    @retried
    def stage(self, name: str, rows: DataFrame) -> DataFrame:
        """Write `rows` once under the staging folder and read them back: nothing is done twice."""
        path = f"{self.staging}/{name}"
        rows.write.mode("overwrite").parquet(path)
        return self.spark.read.parquet(path)


@dataclass(frozen=True)
class _Scored:
    """Predictions of models that have not seen what they predict, by fold, and what they took."""

    predictions: DataFrame
    models: dict[int, Trained]
    seconds: dict[str, float]


def classify(run: ClassifyRun) -> list[Result]:
    """Train, score and save each classifier on each input; their results, in that order.

    Raises InvalidValueError where the split leaves nothing to train on or to test.
    """
    with run.steps.step("split"):
        split = _split(run)
        needed = dict.fromkeys((schemas.FEATURES, *run.config.inputs))
        rows = {on: _rows(run, split, on) for on in needed}
    with run.steps.step("near-duplicates", total=split.tests):
        nearest = nearest_in_training(rows[schemas.FEATURES], split.tests, run.config.split.seed)
    results: list[Result] = []
    scored: dict[str, _Scored] = {}
    for classifier in dict.fromkeys(run.config.classifiers):
        for on in run.config.inputs:
            name = model_name(classifier, on)
            scored[on] = _predicted(run, classifier, on, rows[on], split)
            result = _result(run, classifier, on, scored[on], split, nearest)
            if on == schemas.PCA and schemas.FEATURES in scored:
                result = _against_features(run, result, scored)
            with run.steps.step(f"save {name}"):
                _save(run, result, _final(run, result, rows[on], split, scored[on]))
            results.append(result)
    return results


def _split(run: ClassifyRun) -> LabelledSplit:
    config = run.config.split
    assignment = run.stage("classify/split", assignment_of(run.features, config))
    return labelled_split(assignment, _count(run.features), config)


def _rows(run: ClassifyRun, split: LabelledSplit, on: str) -> DataFrame:
    fit = run.bundle.fit if on == schemas.PCA and run.bundle else None
    return run.stage(f"classify/{on}", labelled_rows(run.features, split, fit))


def _predicted(
    run: ClassifyRun, classifier: str, on: str, rows: DataFrame, split: LabelledSplit
) -> _Scored:
    """Predictions of each fold by what was trained on the others."""
    name = model_name(classifier, on)
    seconds: dict[str, float] = {}
    with run.steps.step(f"train {name}"):
        began = time.monotonic()
        models = {fold: _train(run, classifier, on, rows, split, fold) for fold in split.folds}
        seconds["train"] = round(time.monotonic() - began, 3)
    with run.steps.step(f"test {name}", total=split.tests):
        began = time.monotonic()
        of_folds = [
            model.predict(rows.where(F.col(schemas.FOLD) == fold)) for fold, model in models.items()
        ]
        predictions = reduce(DataFrame.unionByName, of_folds).select(
            schemas.PATH, schemas.LABEL, schemas.FOLD, schemas.PREDICTED
        )
        staged = run.stage(f"classify/predictions/{name}", predictions)
        seconds["test"] = round(time.monotonic() - began, 3)
    return _Scored(staged, models, seconds)


def _train(
    run: ClassifyRun,
    classifier: str,
    on: str,
    rows: DataFrame,
    split: LabelledSplit,
    fold: int | None,
) -> Trained:
    """What is trained on all rows but those of `fold`; on all where it is None."""
    config = run.config
    others = rows if fold is None else rows.where(F.col(schemas.FOLD) != fold)
    counts, weighs = split.of_training(fold), config.class_weight == "balanced"
    return train(classifier, others, counts, on, weighs=weighs, seed=config.split.seed)


def _final(
    run: ClassifyRun, result: Result, rows: DataFrame, split: LabelledSplit, scored: _Scored
) -> Trained:
    """The model that is saved: the one that was tested, with folds one of all images."""
    if run.config.split.folds:
        return _train(run, result.classifier, result.on, rows, split, None)
    return scored.models[0]


def _result(
    run: ClassifyRun,
    classifier: str,
    on: str,
    scored: _Scored,
    split: LabelledSplit,
    nearest: Sequence[Nearest],
) -> Result:
    config, bundle = run.config, run.bundle if on == schemas.PCA else None
    cells = count_cells(scored.predictions, nearest, config.duplicate_cosine)
    confusion = confusion_of(cells)
    pairs = most_confused(confusion, MOST_PAIRS)
    confused = with_examples(scored.predictions, pairs) if pairs else []
    return Result(
        name=model_name(classifier, on),
        classifier=classifier,
        on=on,
        columns=bundle.manifest.k if bundle else _width(run.features),
        variance=bundle.manifest.variance_explained if bundle else None,
        run_id=config.run_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=dict(run.fingerprint),
        versions=dict(run.versions),
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


def _against_features(run: ClassifyRun, result: Result, scored: Mapping[str, _Scored]) -> Result:
    """The result on components, with what features make of the same images."""
    other = model_name(result.classifier, schemas.FEATURES)
    ours, theirs = scored[schemas.PCA].predictions, scored[schemas.FEATURES].predictions
    return replace(result, against=[paired(ours, theirs, other)])


@retried
def _save(run: ClassifyRun, result: Result, trained: Trained) -> None:
    """Write the classifier's folder; its result goes first and comes last."""
    folder = f"{run.layout.classifiers}/{result.name}"
    paths = [path for pair in result.confused for path in pair.examples]
    rotates = bool(run.fingerprint.get("exif_rotate"))

    filesystem.delete(run.spark, folder)
    CLASSIFIERS[result.classifier].save(run.spark, trained.model, f"{folder}/model")
    if result.on == schemas.PCA and run.bundle:
        copy_bundle(run.spark, run.bundle, f"{folder}/pca")
    pictures = json.dumps(thumbnails(run.spark, paths, exif_rotate=rotates))
    filesystem.write_bytes(run.spark, f"{folder}/thumbnails.json", pictures.encode())
    filesystem.write_bytes(run.spark, result_path(folder), result.to_json().encode())


@retried
def _count(rows: DataFrame) -> int:
    return rows.count()


@retried
def _width(features: DataFrame) -> int:
    first = features.select(F.size(schemas.FEATURES)).first()
    assert first is not None
    return int(first[0])
