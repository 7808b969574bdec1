"""Gradient-boosted trees by xgboost's own estimator for Spark; the package is an extra."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from pyspark.ml import Model
from pyspark.sql import DataFrame, SparkSession

from job.errors import InvalidValueError, MissingPrerequisiteError
from job.runtime import filesystem
from job.runtime.session import task_slots

# What its estimator for Spark imports.
_PACKAGES = ("xgboost", "sklearn", "scipy")
# A worker with fewer waits for the others longer than it works.
_IMAGES_PER_WORKER = 5_000


@dataclass(frozen=True)
class GradientBoosting:
    """xgboost, saved as its own JSON.

    Its reader for Spark is not used: that unpickles callbacks that a file claims to hold.
    """

    always: Mapping[str, Any]
    columns: Mapping[str, str]

    def parameters(self, on: str) -> dict[str, Any]:
        return dict(self.always)

    def require_installed(self) -> None:
        """Raise MissingPrerequisiteError where the extra is not installed."""
        missing = [package for package in _PACKAGES if find_spec(package) is None]
        if missing:
            raise MissingPrerequisiteError(
                f"--classifier xgboost needs {', '.join(missing)}, not installed here",
                expected="the extra of image-features for it, on the driver and on executors",
                fix="pip install 'image-features[xgboost]', or see docs/classify.md for the image",
            )

    def fit(self, rows: DataFrame, images: int, on: str, seed: int) -> Model:
        spark = rows.sparkSession
        _require_fixed_executors(spark)
        workers = min(task_slots(spark), -(-images // _IMAGES_PER_WORKER))
        fitted: Model = self._estimator(random_state=seed, num_workers=workers).fit(rows)
        return fitted

    def save(self, spark: SparkSession, model: Any, path: str) -> None:
        filesystem.write_bytes(spark, _json_of(path), bytes(model.get_booster().save_raw("json")))

    def load(self, spark: SparkSession, path: str) -> Model:
        self.require_installed()
        from xgboost import XGBClassifier
        from xgboost.spark import SparkXGBClassifierModel

        trees = XGBClassifier()
        trees.load_model(bytearray(filesystem.read_bytes(spark, _json_of(path))))
        # As `fit` of the estimator makes a model: with its columns and all defaults.
        model: Model = self._estimator()._copyValues(SparkXGBClassifierModel(trees))
        return model

    def _estimator(self, **more: Any) -> Any:
        from xgboost.spark import SparkXGBClassifier

        # It tells each parameter of each fit; and, if verbose, each round of boosting.
        logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
        columns: dict[str, Any] = {
            "features_col": self.columns["featuresCol"],
            "label_col": self.columns["labelCol"],
            "weight_col": self.columns["weightCol"],
        }
        return SparkXGBClassifier(**columns, **self.always, **more, verbose=False)


def _json_of(path: str) -> str:
    return f"{path}/model.json"


def _require_fixed_executors(spark: SparkSession) -> None:
    """Its workers talk to each other: all begin at once, which Spark has no room for otherwise."""
    key = "spark.dynamicAllocation.enabled"
    if spark.sparkContext.getConf().get(key, "false") == "true":
        raise InvalidValueError(
            f"{key} is true, and --classifier xgboost trains in one barrier stage",
            expected="a fixed number of executors (SPARK-24942)",
            fix=f"--conf {key}=false --conf spark.executor.instances=2",
        )
