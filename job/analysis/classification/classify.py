"""`image-features classify`: splits, trains, scores and saves.

The driver holds counts per class, never rows per image.
"""

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
from job.analysis.classification.classifiers import (
    CLASSIFIERS,
    TrainedClassifier,
    model_name,
    train,
)
from job.analysis.classification.confusion import (
    compare_predictions,
    confusion_counts,
    count_cells,
    fold_scores,
    near_duplicate_scores,
)
from job.analysis.classification.dataset import (
    LabelledSplit,
    assign_labelled,
    count_split,
    labelled_rows,
)
from job.analysis.classification.examples import MAX_PAIRS, add_examples, read_thumbnails
from job.analysis.classification.near_duplicates import NearestImage, find_nearest_in_training
from job.analysis.classification.result import ClassifierResult, result_path
from job.analysis.classification.scores import compute_scores, most_confused
from job.config import ClassifyConfig
from job.layout import Layout
from job.reduction.bundle import Bundle, copy_bundle
from job.runtime import filesystem
from job.runtime.progress import Steps
from job.runtime.retries import retried

T = TypeVar("T")


@dataclass(frozen=True)
class ClassifyRun:
    """The shared context of one `classify`; `bundle` is needed for components only."""

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
        """Write `rows` to the staging folder and read them back; Spark computes them only once."""
        path = f"{self.staging}/{name}"
        rows.write.mode("overwrite").parquet(path)
        return self.spark.read.parquet(path)


@dataclass(frozen=True)
class _TestRun:
    """Predictions for test images, the models by fold, and the seconds that both took."""

    predictions: DataFrame
    models: dict[int, TrainedClassifier]
    seconds: dict[str, float]


def classify(run: ClassifyRun) -> list[ClassifierResult]:
    """Train, score and save each classifier on each input; returns the results in this order.

    Raises InvalidValueError if the split leaves no training or no test images.
    """
    with run.steps.step("split"):
        split = _split_images(run)
        inputs = dict.fromkeys((schemas.FEATURES, *run.config.inputs))
        rows = {on: _stage_rows(run, split, on) for on in inputs}
    with run.steps.step("near-duplicates", total=split.test_images):
        nearest = find_nearest_in_training(
            rows[schemas.FEATURES], split.test_images, run.config.split.seed
        )
    results: list[ClassifierResult] = []
    tested: dict[str, _TestRun] = {}
    for classifier in dict.fromkeys(run.config.classifiers):
        for on in run.config.inputs:
            name = model_name(classifier, on)
            tested[on] = _train_and_test(run, classifier, on, rows[on], split)
            result = _build_result(run, classifier, on, tested[on], split, nearest)
            if on == schemas.PCA and schemas.FEATURES in tested:
                result = _compare_with_features(result, tested)
            with run.steps.step(f"save {name}"):
                _save(run, result, _final_model(run, result, rows[on], split, tested[on]))
            results.append(result)
    return results


def _split_images(run: ClassifyRun) -> LabelledSplit:
    config = run.config.split
    assignment = run.stage("classify/split", assign_labelled(run.features, config))
    return count_split(assignment, _count(run.features), config)


def _stage_rows(run: ClassifyRun, split: LabelledSplit, on: str) -> DataFrame:
    fit = run.bundle.fit if on == schemas.PCA and run.bundle else None
    return run.stage(f"classify/{on}", labelled_rows(run.features, split, fit))


def _train_and_test(
    run: ClassifyRun, classifier: str, on: str, rows: DataFrame, split: LabelledSplit
) -> _TestRun:
    """Predict each fold with a model of the other folds."""
    name = model_name(classifier, on)
    seconds: dict[str, float] = {}
    with run.steps.step(f"train {name}"):
        start = time.monotonic()
        models = {fold: _train(run, classifier, on, rows, split, fold) for fold in split.folds}
        seconds["train"] = round(time.monotonic() - start, 3)
    with run.steps.step(f"test {name}", total=split.test_images):
        start = time.monotonic()
        fold_predictions = [
            model.predict(rows.where(F.col(schemas.FOLD) == fold)) for fold, model in models.items()
        ]
        predictions = reduce(DataFrame.unionByName, fold_predictions).select(
            schemas.PATH, schemas.LABEL, schemas.FOLD, schemas.PREDICTED
        )
        staged = run.stage(f"classify/predictions/{name}", predictions)
        seconds["test"] = round(time.monotonic() - start, 3)
    return _TestRun(staged, models, seconds)


def _train(
    run: ClassifyRun,
    classifier: str,
    on: str,
    rows: DataFrame,
    split: LabelledSplit,
    fold: int | None,
) -> TrainedClassifier:
    """Train on all rows except those of `fold`; on all rows if it is None."""
    config = run.config
    training = rows if fold is None else rows.where(F.col(schemas.FOLD) != fold)
    counts, balanced = split.training_counts(fold), config.class_weight == "balanced"
    return train(classifier, training, counts, on, balanced=balanced, seed=config.split.seed)


def _final_model(
    run: ClassifyRun,
    result: ClassifierResult,
    rows: DataFrame,
    split: LabelledSplit,
    tested: _TestRun,
) -> TrainedClassifier:
    """The model to save: the tested one; with folds, a new one trained on all images."""
    if run.config.split.folds:
        return _train(run, result.classifier, result.on, rows, split, None)
    return tested.models[0]


def _build_result(
    run: ClassifyRun,
    classifier: str,
    on: str,
    tested: _TestRun,
    split: LabelledSplit,
    nearest: Sequence[NearestImage],
) -> ClassifierResult:
    config, bundle = run.config, run.bundle if on == schemas.PCA else None
    cells = count_cells(tested.predictions, nearest, config.duplicate_cosine)
    confusion = confusion_counts(cells)
    pairs = most_confused(confusion, MAX_PAIRS)
    confused = add_examples(tested.predictions, pairs) if pairs else []
    return ClassifierResult(
        name=model_name(classifier, on),
        classifier=classifier,
        on=on,
        columns=bundle.manifest.k if bundle else _feature_count(run.features),
        variance=bundle.manifest.variance_explained if bundle else None,
        run_id=config.run_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=dict(run.fingerprint),
        versions=dict(run.versions),
        parameters=CLASSIFIERS[classifier].parameters(on),
        class_weight=config.class_weight,
        classes=sorted(split.training_counts(None if config.split.folds else 0)),
        split=split.to_counts(config.split),
        scores=compute_scores(confusion),
        folds=fold_scores(cells),
        confusion=[(*pair, images) for pair, images in sorted(confusion.items())],
        confused=confused,
        near_duplicates=near_duplicate_scores(cells, config.duplicate_cosine),
        seconds=tested.seconds,
    )


def _compare_with_features(
    result: ClassifierResult, tested: Mapping[str, _TestRun]
) -> ClassifierResult:
    """The result on components, with a comparison to features on the same images."""
    other = model_name(result.classifier, schemas.FEATURES)
    pca, features = tested[schemas.PCA].predictions, tested[schemas.FEATURES].predictions
    return replace(result, against=[compare_predictions(pca, features, other)])


@retried
def _save(run: ClassifyRun, result: ClassifierResult, trained: TrainedClassifier) -> None:
    """Write the classifier's folder; its result is deleted first and written last."""
    folder = f"{run.layout.classifiers}/{result.name}"
    paths = [path for pair in result.confused for path in pair.examples]
    exif_rotate = bool(run.fingerprint.get("exif_rotate"))

    filesystem.delete(run.spark, folder)
    CLASSIFIERS[result.classifier].save(run.spark, trained.model, f"{folder}/model")
    if result.on == schemas.PCA and run.bundle:
        copy_bundle(run.spark, run.bundle, f"{folder}/pca")
    thumbnails = json.dumps(read_thumbnails(run.spark, paths, exif_rotate=exif_rotate))
    filesystem.write_bytes(run.spark, f"{folder}/thumbnails.json", thumbnails.encode())
    filesystem.write_bytes(run.spark, result_path(folder), result.to_json().encode())


@retried
def _count(rows: DataFrame) -> int:
    return rows.count()


@retried
def _feature_count(features: DataFrame) -> int:
    first = features.select(F.size(schemas.FEATURES)).first()
    assert first is not None
    return int(first[0])
