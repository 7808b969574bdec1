"""The classifiers: fits, saves and loads them. To add one, add an entry to CLASSIFIERS.

Training rows have FEATURES_VECTOR, INDEX (the label's position in the list of classes) and WEIGHT.
A fitted model adds `probability` (a vector with one entry per class) and `prediction` (an index).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from pyspark.ml import Model
from pyspark.ml.classification import (
    LogisticRegression,
    LogisticRegressionModel,
    RandomForestClassificationModel,
    RandomForestClassifier,
)
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.util import JavaMLWritable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.analysis.classification.gradient_boosting import GradientBoosting
from job.reduction.bundle import FEATURES_VECTOR
from job.runtime.retries import retried

INDEX = "label_index"
WEIGHT = "weight"
COLUMNS = {"featuresCol": FEATURES_VECTOR, "labelCol": INDEX, "weightCol": WEIGHT}


class Classifier(Protocol):
    """The interface of a classifier."""

    def parameters(self, on: str) -> dict[str, Any]:
        """The parameters that differ from the library's defaults, on `features` or `pca`."""

    def fit(self, rows: DataFrame, images: int, on: str, seed: int) -> Model:
        """Fit a model to `rows`, of which there are `images`."""

    def save(self, spark: SparkSession, model: Model, path: str) -> None:
        """Write the model to the folder `path`."""

    def load(self, spark: SparkSession, path: str) -> Model:
        """The model that `save` wrote; loading it unpickles nothing."""


@dataclass(frozen=True)
class SparkClassifier:
    """A Spark ML classifier, saved by Spark's own writer."""

    estimator: Callable[..., Any]
    model: Any
    base_parameters: Mapping[str, Any]
    pca_parameters: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = False

    def parameters(self, on: str) -> dict[str, Any]:
        return {**self.base_parameters, **(self.pca_parameters if on == schemas.PCA else {})}

    def fit(self, rows: DataFrame, images: int, on: str, seed: int) -> Model:
        seeds = {"seed": seed} if self.seeded else {}
        model: Model = self.estimator(**COLUMNS, **self.parameters(on), **seeds).fit(rows)
        return model

    def save(self, spark: SparkSession, model: Model, path: str) -> None:
        cast("JavaMLWritable", model).write().overwrite().save(path)

    def load(self, spark: SparkSession, path: str) -> Model:
        # Loads a fixed class: PipelineModel.load would import any class that the file names.
        model: Model = self.model.load(path)
        return model


CLASSIFIERS: dict[str, Classifier] = {
    # Without a penalty, a fit with more features than images does not converge. Features are
    # standardized, components are not: their variance is their weight, and the last ones are noise.
    "logistic-regression": SparkClassifier(
        LogisticRegression,
        LogisticRegressionModel,
        {"family": "multinomial", "regParam": 0.01, "maxIter": 100},
        {"standardization": False},
    ),
    # Spark's defaults (20 trees of depth 5) have 32 leaves per tree, fewer than there are classes.
    "random-forest": SparkClassifier(
        RandomForestClassifier,
        RandomForestClassificationModel,
        {"numTrees": 100, "maxDepth": 10},
        seeded=True,
    ),
    "xgboost": GradientBoosting({"n_estimators": 100, "max_depth": 6}, COLUMNS),
}


@dataclass(frozen=True)
class TrainedClassifier:
    """A fitted model; it predicts index i for the class `classes[i]`."""

    classifier: str
    classes: list[str]
    model: Model

    def predict(self, rows: DataFrame) -> DataFrame:
        """`rows`, which have features array<float>, with the columns of a prediction.

        These are PREDICTED, PROBABILITY (float32) and PROBABILITIES (label -> float32).
        """
        transformed = self.model.transform(add_vector(rows))
        probabilities = vector_to_array(F.col("probability"), "float32")
        index = F.col("prediction").cast("int")
        return transformed.select(
            *rows.columns,
            F.get(F.lit(self.classes), index).alias(schemas.PREDICTED),
            F.get(probabilities, index).alias(schemas.PROBABILITY),
            F.map_from_arrays(F.lit(self.classes), probabilities).alias(schemas.PROBABILITIES),
        )


@retried
def train(
    name: str, rows: DataFrame, counts: Mapping[str, int], on: str, *, balanced: bool, seed: int
) -> TrainedClassifier:
    """Fit the classifier `name` to `rows` (LABELLED_SCHEMA); `counts` has the images per label.

    `on` is the kind of features: `features` of the network or `pca` components. `balanced` weights
    images by class.
    """
    classes = sorted(counts)
    weights = class_weights(counts) if balanced else dict.fromkeys(classes, 1.0)
    index = F.array_position(F.lit(classes), F.col(schemas.LABEL)) - 1
    labelled = add_vector(rows).select(
        FEATURES_VECTOR,
        index.cast("double").alias(INDEX),
        F.get(F.lit([weights[label] for label in classes]), index.cast("int")).alias(WEIGHT),
    )
    model = CLASSIFIERS[name].fit(labelled, sum(counts.values()), on, seed)
    return TrainedClassifier(name, classes, model)


def class_weights(counts: Mapping[str, int]) -> dict[str, float]:
    """The weight of an image by class: images / (classes x images of the class).

    All classes then have the same total weight, and the mean weight is 1. scikit-learn calls this
    "balanced".
    """
    mean = sum(counts.values()) / len(counts)
    return {label: mean / images for label, images in counts.items()}


def add_vector(rows: DataFrame) -> DataFrame:
    """`rows` with their features also as a Spark ML vector."""
    return rows.withColumn(FEATURES_VECTOR, array_to_vector(F.col(schemas.FEATURES)))


def model_name(classifier: str, on: str) -> str:
    """The name of a model in the output, such as logistic-regression-pca."""
    return f"{classifier}-{on}"


def require_usable(names: Sequence[str]) -> None:
    """Raise MissingPrerequisiteError if a classifier needs a package that is not installed."""
    for name in names:
        if isinstance(classifier := CLASSIFIERS[name], GradientBoosting):
            classifier.require_installed()
