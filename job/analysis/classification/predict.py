"""`image-features predict`: applies a saved classifier, with probabilities of all classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.analysis.classification.classifiers import CLASSIFIERS, TrainedClassifier
from job.analysis.classification.result import ClassifierResult, PredictionSummary, result_path
from job.errors import IncompatibleClassifierError
from job.features.fingerprint import Fingerprint
from job.layout import Layout
from job.output import csv_export, parquet_export
from job.reduction.bundle import load_bundle
from job.reduction.pca import Fit
from job.reduction.projection import project
from job.runtime import filesystem
from job.runtime.retries import retried

# Images of lowest confidence on the console; the file has all of them.
MAX_SHOWN = 20


@dataclass(frozen=True)
class SavedClassifier:
    """A classifier loaded from storage; `fit` computes its components, None if it uses features."""

    folder: str
    result: ClassifierResult
    trained: TrainedClassifier
    fit: Fit | None

    def require_fingerprint(self, fingerprint: Mapping[str, Any]) -> None:
        """Raise IncompatibleClassifierError for features of another fingerprint."""
        require_fingerprint(self.result, self.folder, fingerprint)

    def predictions(self, features: DataFrame) -> DataFrame:
        """The predictions (PREDICTIONS_SCHEMA) of rows with path, label and features."""
        if self.fit is None:
            rows = features.select(schemas.PATH, schemas.LABEL, schemas.FEATURES)
        else:
            rows = project(features, self.fit).withColumnRenamed(schemas.PCA, schemas.FEATURES)
        return self.trained.predict(rows).select(*schemas.PREDICTIONS_SCHEMA.names)


def load_classifier(spark: SparkSession, folder: str) -> SavedClassifier:
    """The classifier that `classify` saved in `folder`.

    Raises IncompatibleClassifierError if there is none, MissingPrerequisiteError if its package is
    not installed.
    """
    result = read_result(spark, folder)
    classifier = CLASSIFIERS.get(result.classifier)
    if classifier is None:
        raise IncompatibleClassifierError(
            f"{folder} has a classifier of unknown kind {result.classifier!r}",
            expected=" | ".join(CLASSIFIERS),
            fix="use the version of image-features that saved it",
        )
    model = classifier.load(spark, f"{folder}/model")
    fit = load_bundle(spark, f"{folder}/pca").fit if result.on == schemas.PCA else None
    trained = TrainedClassifier(result.classifier, result.classes, model)
    return SavedClassifier(folder, result, trained, fit)


def read_result(spark: SparkSession, folder: str) -> ClassifierResult:
    """The result of the classifier saved in `folder`. Raises IncompatibleClassifierError."""
    try:
        return ClassifierResult.from_json(
            filesystem.read_bytes(spark, result_path(folder)).decode()
        )
    except FileNotFoundError as error:
        raise _unusable(folder, "has no result.json") from error
    except ValueError as error:
        raise _unusable(folder, f"has an invalid result.json: {error}") from error


def require_fingerprint(
    result: ClassifierResult, folder: str, fingerprint: Mapping[str, Any]
) -> None:
    """Raise IncompatibleClassifierError with the differences if the fingerprints differ."""
    expected = Fingerprint.from_dict(result.fingerprint)
    differences = expected.differences(Fingerprint.from_dict(fingerprint))
    if differences:
        raise IncompatibleClassifierError(
            f"{folder} was trained on features of another fingerprint ({'; '.join(differences)})",
            expected="features with the fingerprint of the training features",
            fix="featurize with the same network and options, or run `image-features classify`",
        )


@retried
def predict(
    saved: SavedClassifier, features: DataFrame, layout: Layout, staging: str, threshold: float
) -> PredictionSummary:
    """Write the predictions of `features`, and a CSV of those with a probability below `threshold`.

    The driver holds only the MAX_SHOWN predictions of lowest confidence.
    """
    spark, images = features.sparkSession, features.count()
    parquet_export.write_parquet(saved.predictions(features), images, layout.predictions)
    predictions = spark.read.schema(schemas.PREDICTIONS_SCHEMA).parquet(layout.predictions)
    low = predictions.where(F.col(schemas.PROBABILITY) < threshold)
    csv_export.write_one_csv(spark, _csv_rows(low), layout.low_confidence, f"{staging}/unsure")
    lowest = low.orderBy(schemas.PROBABILITY, schemas.PATH).limit(MAX_SHOWN).collect()
    least_confident = [(row.path, row.predicted, row.probability) for row in lowest]
    return PredictionSummary(images, low.count(), least_confident)


def _csv_rows(low: DataFrame) -> DataFrame:
    """path, label, predicted and probability in one partition, lowest probability first."""
    columns = low.select(schemas.PATH, schemas.LABEL, schemas.PREDICTED, schemas.PROBABILITY)
    return columns.repartition(1).sortWithinPartitions(schemas.PROBABILITY, schemas.PATH)


def _unusable(folder: str, problem: str) -> IncompatibleClassifierError:
    return IncompatibleClassifierError(
        f"{folder} {problem}",
        expected="a folder under `classifiers` that `image-features classify` wrote",
        fix="check --model, or run `image-features classify` again",
    )
