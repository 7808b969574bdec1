"""`image-features predict`: a saved classifier on features, with probabilities of all classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.analysis.classification.classifiers import CLASSIFIERS, Trained
from job.analysis.classification.result import Predicted, Result, result_path
from job.errors import IncompatibleClassifierError
from job.features.fingerprint import Fingerprint
from job.layout import Layout
from job.output import exports
from job.reduction.bundle import load_bundle
from job.reduction.pca import Fit
from job.reduction.projection import project
from job.runtime import filesystem
from job.runtime.retries import retried

# Least sure images that a person is told of; the file has all.
MOST_SHOWN = 20


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


def read_result(spark: SparkSession, folder: str) -> Result:
    """The result of the classifier saved in `folder`. Raises IncompatibleClassifierError."""
    try:
        return Result.from_json(filesystem.read_bytes(spark, result_path(folder)).decode())
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


@retried
def predict(
    saved: SavedClassifier, features: DataFrame, layout: Layout, staging: str, below: float
) -> Predicted:
    """Write what `saved` says of `features` under `layout`, and the list of those below `below`.

    The driver holds the MOST_SHOWN least sure.
    """
    spark, images = features.sparkSession, features.count()
    exports.write_parquet(saved.predictions(features), images, layout.predictions)
    predictions = spark.read.schema(schemas.PREDICTIONS_SCHEMA).parquet(layout.predictions)
    unsure = predictions.where(F.col(schemas.PROBABILITY) < below)
    exports.write_one_csv(spark, _listed(unsure), layout.low_confidence, f"{staging}/unsure")
    first = unsure.orderBy(schemas.PROBABILITY, schemas.PATH).limit(MOST_SHOWN).collect()
    shown = [(row.path, row.predicted, row.probability) for row in first]
    return Predicted(images, unsure.count(), shown)


def _listed(unsure: DataFrame) -> DataFrame:
    """path, label, predicted and probability, the least probable first, in one partition."""
    columns = unsure.select(schemas.PATH, schemas.LABEL, schemas.PREDICTED, schemas.PROBABILITY)
    return columns.repartition(1).sortWithinPartitions(schemas.PROBABILITY, schemas.PATH)


def _unusable(folder: str, what: str) -> IncompatibleClassifierError:
    return IncompatibleClassifierError(
        f"{folder} {what}",
        expected="a folder under `classifiers` that `image-features classify` wrote",
        fix="check --model, or run `image-features classify` again",
    )
