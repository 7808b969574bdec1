"""The classifiers: how each is fitted, saved and read back; adding one is an entry of CLASSIFIERS.

Rows come with FEATURES_VECTOR, INDEX (the place of the label in the list of classes) and WEIGHT; a
fitted model adds `probability` (a vector, one entry a class) and `prediction` (an index).
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
    """What each classifier can do."""

    def parameters(self, on: str) -> dict[str, Any]:
        """What it is told beyond the defaults of its library, on `features` or on `pca`."""

    def fit(self, rows: DataFrame, images: int, on: str, seed: int) -> Model:
        """The model of `images` rows."""

    def save(self, spark: SparkSession, model: Model, path: str) -> None:
        """Write the model to the folder `path`."""

    def load(self, spark: SparkSession, path: str) -> Model:
        """The model that `save` wrote; nothing in it is unpickled."""


@dataclass(frozen=True)
class SparkClassifier:
    """A classifier of Spark ML, saved by Spark's own writer."""

    estimator: Callable[..., Any]
    model: Any
    always: Mapping[str, Any]
    on_components: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = False

    def parameters(self, on: str) -> dict[str, Any]:
        return {**self.always, **(self.on_components if on == schemas.PCA else {})}

    def fit(self, rows: DataFrame, images: int, on: str, seed: int) -> Model:
        seeds = {"seed": seed} if self.seeded else {}
        fitted: Model = self.estimator(**COLUMNS, **self.parameters(on), **seeds).fit(rows)
        return fitted

    def save(self, spark: SparkSession, model: Model, path: str) -> None:
        cast("JavaMLWritable", model).write().overwrite().save(path)

    def load(self, spark: SparkSession, path: str) -> Model:
        # Of its class alone: PipelineModel.load would import whatever class the file names.
        read: Model = self.model.load(path)
        return read


CLASSIFIERS: dict[str, Classifier] = {
    # With more features than images a fit without a penalty has no end. Columns are standardized,
    # but not components: their variance is what they are worth, and the last ones are noise.
    "logistic-regression": SparkClassifier(
        LogisticRegression,
        LogisticRegressionModel,
        {"family": "multinomial", "regParam": 0.01, "maxIter": 100},
        {"standardization": False},
    ),
    # Spark's own 20 trees of depth 5 have 32 leaves each: fewer than there are classes.
    "random-forest": SparkClassifier(
        RandomForestClassifier,
        RandomForestClassificationModel,
        {"numTrees": 100, "maxDepth": 10},
        seeded=True,
    ),
    "xgboost": GradientBoosting({"n_estimators": 100, "max_depth": 6}, COLUMNS),
}


@dataclass(frozen=True)
class Trained:
    """A fitted model; its index i is the class `classes[i]`."""

    classifier: str
    classes: list[str]
    model: Model

    def predict(self, rows: DataFrame) -> DataFrame:
        """The columns of `rows`, which have features array<float>, and what is predicted:

        PREDICTED, PROBABILITY (float32) and PROBABILITIES (label -> float32).
        """
        transformed = self.model.transform(with_vector(rows))
        all_of_them = vector_to_array(F.col("probability"), "float32")
        index = F.col("prediction").cast("int")
        return transformed.select(
            *rows.columns,
            F.get(F.lit(self.classes), index).alias(schemas.PREDICTED),
            F.get(all_of_them, index).alias(schemas.PROBABILITY),
            F.map_from_arrays(F.lit(self.classes), all_of_them).alias(schemas.PROBABILITIES),
        )


@retried
def train(
    name: str, rows: DataFrame, counts: Mapping[str, int], on: str, *, weighs: bool, seed: int
) -> Trained:
    """Fit the classifier `name` to `rows` (LABELLED_SCHEMA), `counts` images of each label.

    `on` says what their features are: `features` of the network, or components, `pca`.
    """
    classes = sorted(counts)
    weights = class_weights(counts) if weighs else dict.fromkeys(classes, 1.0)
    index = F.array_position(F.lit(classes), F.col(schemas.LABEL)) - 1
    labelled = with_vector(rows).select(
        FEATURES_VECTOR,
        index.cast("double").alias(INDEX),
        F.get(F.lit([weights[each] for each in classes]), index.cast("int")).alias(WEIGHT),
    )
    model = CLASSIFIERS[name].fit(labelled, sum(counts.values()), on, seed)
    return Trained(name, classes, model)


def class_weights(counts: Mapping[str, int]) -> dict[str, float]:
    """The weight of an image of each class: n / (classes x images of the class).

    All classes weigh the same then, and a mean image 1; scikit-learn calls it "balanced".
    """
    mean = sum(counts.values()) / len(counts)
    return {label: mean / images for label, images in counts.items()}


def with_vector(rows: DataFrame) -> DataFrame:
    """`rows` with their features as a vector of Spark ML too."""
    return rows.withColumn(FEATURES_VECTOR, array_to_vector(F.col(schemas.FEATURES)))


def model_name(classifier: str, on: str) -> str:
    """What a model is called in the output: logistic-regression-pca."""
    return f"{classifier}-{on}"


def require_usable(names: Sequence[str]) -> None:
    """Raise MissingPrerequisiteError where a classifier needs a package that is not installed."""
    for name in names:
        if isinstance(classifier := CLASSIFIERS[name], GradientBoosting):
            classifier.require_installed()
