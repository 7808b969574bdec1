"""Gradient-boosted trees by xgboost's Spark estimator, an optional dependency."""

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

# The packages that xgboost's Spark estimator imports.
_PACKAGES = ("xgboost", "sklearn", "scipy")
# A worker with fewer images spends more time waiting than working.
_IMAGES_PER_WORKER = 5_000


@dataclass(frozen=True)
class GradientBoosting:
    """xgboost, saved as xgboost's JSON.

    Does not use xgboost's Spark reader, which unpickles callbacks from the file.
    """

    base_parameters: Mapping[str, Any]
    columns: Mapping[str, str]

    def parameters(self, on: str) -> dict[str, Any]:
        return dict(self.base_parameters)

    def require_installed(self) -> None:
        """Raise MissingPrerequisiteError if the extra is not installed."""
        missing = [package for package in _PACKAGES if find_spec(package) is None]
        if missing:
            raise MissingPrerequisiteError(
                f"--classifier xgboost needs {', '.join(missing)}, not installed here",
                expected="the xgboost extra of image-features on the driver and the executors",
                fix="pip install 'image-features[xgboost]', or see docs/classify.md for the image",
            )

    def fit(self, rows: DataFrame, images: int, on: str, seed: int) -> Model:
        spark = rows.sparkSession
        _require_fixed_executors(spark)
        workers = min(task_slots(spark), -(-images // _IMAGES_PER_WORKER))
        model: Model = self._estimator(random_state=seed, num_workers=workers).fit(rows)
        return model

    def save(self, spark: SparkSession, model: Any, path: str) -> None:
        filesystem.write_bytes(
            spark, _model_path(path), bytes(model.get_booster().save_raw("json"))
        )

    def load(self, spark: SparkSession, path: str) -> Model:
        self.require_installed()
        from xgboost import XGBClassifier
        from xgboost.spark import SparkXGBClassifierModel

        trees = XGBClassifier()
        trees.load_model(bytearray(filesystem.read_bytes(spark, _model_path(path))))
        # Copies the estimator's columns and defaults, as `fit` does.
        model: Model = self._estimator()._copyValues(SparkXGBClassifierModel(trees))
        return model

    def _estimator(self, **options: Any) -> Any:
        from xgboost.spark import SparkXGBClassifier

        # The estimator logs all parameters of each fit and, if verbose, each boosting round.
        logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
        columns: dict[str, Any] = {
            "features_col": self.columns["featuresCol"],
            "label_col": self.columns["labelCol"],
            "weight_col": self.columns["weightCol"],
        }
        return SparkXGBClassifier(**columns, **self.base_parameters, **options, verbose=False)


def _model_path(path: str) -> str:
    return f"{path}/model.json"


def _require_fixed_executors(spark: SparkSession) -> None:
    """Reject dynamic allocation: xgboost's barrier stage starts all workers at once."""
    key = "spark.dynamicAllocation.enabled"
    if spark.sparkContext.getConf().get(key, "false") == "true":
        raise InvalidValueError(
            f"{key} is true, and --classifier xgboost trains in one barrier stage",
            expected="a fixed number of executors (SPARK-24942)",
            fix=f"--conf {key}=false --conf spark.executor.instances=2",
        )
