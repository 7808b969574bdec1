"""`image-features predict`: a saved classifier on features, with probabilities of all classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.classification.classifiers import CLASSIFIERS, Trained
from job.classification.result import Result, read_result, require_fingerprint
from job.errors import IncompatibleClassifierError
from job.reduction.bundle import load_bundle
from job.reduction.pca import Fit
from job.reduction.projection import project

# Least sure images that a person is told of; the file has all.
MOST_SHOWN = 20
# The columns of low_confidence.csv.
_LISTED = (schemas.PATH, schemas.LABEL, schemas.PREDICTED, schemas.PROBABILITY)


@dataclass(frozen=True)
class SavedClassifier:
    """A classifier as it is on storage; `fit` makes the components that it was trained on."""

    folder: str
    result: Result
    trained: Trained
    fit: Fit | None

    def require(self, fingerprint: Mapping[str, Any]) -> None:
        """Raise IncompatibleClassifierError for features of another fingerprint."""
        require_fingerprint(self.result, self.folder, fingerprint)

    def predictions(self, features: DataFrame) -> DataFrame:
        """PREDICTIONS_SCHEMA of rows with path, label and features."""
        if self.fit is None:
            rows = features.select(schemas.PATH, schemas.LABEL, schemas.FEATURES)
        else:
            rows = project(features, self.fit).withColumnRenamed(schemas.PCA, schemas.FEATURES)
        return self.trained.predict(rows).select(*schemas.PREDICTIONS_SCHEMA.names)


@dataclass(frozen=True)
class Predicted:
    """How many images were predicted, how many with low confidence, and the first of these."""

    images: int
    unsure: int
    least_sure: list[tuple[str, str, float]]


def load_classifier(spark: SparkSession, folder: str) -> SavedClassifier:
    """The classifier that `classify` saved in `folder`.

    Raises IncompatibleClassifierError where there is none, MissingPrerequisiteError where the
    package that it needs is not installed.
    """
    result = read_result(spark, folder)
    kind = CLASSIFIERS.get(result.classifier)
    if kind is None:
        raise IncompatibleClassifierError(
            f"{folder} is of an unknown kind, {result.classifier!r}",
            expected=" | ".join(CLASSIFIERS),
            fix="use the version of this program that made it",
        )
    model = kind.load(spark, f"{folder}/model")
    fit = load_bundle(spark, f"{folder}/pca").fit if result.on == schemas.PCA else None
    return SavedClassifier(folder, result, Trained(result.classifier, result.classes, model), fit)


def low_confidence(predictions: DataFrame, below: float) -> DataFrame:
    """path, label, predicted and probability of less than `below`, the least probable first.

    In one partition: a list for a person.
    """
    unsure = predictions.where(F.col(schemas.PROBABILITY) < below).select(*_LISTED)
    return unsure.repartition(1).sortWithinPartitions(schemas.PROBABILITY, schemas.PATH)


def unsure_of(predictions: DataFrame, images: int, below: float) -> Predicted:
    """How many of the `images` predictions are below the limit, and the least sure of them."""
    unsure = predictions.where(F.col(schemas.PROBABILITY) < below)
    first = unsure.orderBy(schemas.PROBABILITY, schemas.PATH).limit(MOST_SHOWN).collect()
    shown = [(row.path, row.predicted, row.probability) for row in first]
    return Predicted(images, unsure.count(), shown)
