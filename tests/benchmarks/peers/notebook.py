"""The pipeline of many notebooks: a pandas iterator UDF with Keras, and actions that are lazy.

Usage: python -m tests.benchmarks.peers.notebook INPUT OUTPUT [--single-pass]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pyspark.ml.feature import PCA, StandardScaler
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tests.benchmarks.peers import keras_model, spark_peer

PARTITIONS = 20
COMPONENTS = 100


def main(input_path: str, output_path: str, *more: str) -> None:
    """Features as Parquet; without `--single-pass` all that the notebook does."""
    spark = spark_peer.session("notebook", {"spark.sql.parquet.writeLegacyFormat": "true"})
    features = _features(spark, input_path)
    if "--single-pass" not in more:
        _reduced(features).write.mode("overwrite").parquet(f"{output_path}/pca")
    features.write.mode("overwrite").parquet(f"{output_path}/features")
    spark.stop()


def _features(spark: SparkSession, input_path: str) -> DataFrame:
    weights = spark.sparkContext.broadcast(keras_model.build().get_weights())

    def model_fn() -> Any:
        model = keras_model.untrained()
        model.set_weights(weights.value)
        return model

    @F.pandas_udf("array<float>")
    def featurize(contents: Iterator[pd.Series]) -> Iterator[pd.Series]:
        # Once for each task: tasks share nothing that Spark does not keep for them.
        model = model_fn()
        for content in contents:
            batch = np.stack(content.map(_preprocess).tolist())
            predicted = model.predict(batch, verbose=0)
            yield pd.Series([row.flatten() for row in predicted])

    found = spark_peer.images(spark, input_path).repartition(PARTITIONS)
    return found.select("path", "label", featurize("content").alias("features"))


def _preprocess(content: bytes) -> np.ndarray:
    return keras_model.scaled(keras_model.decoded(content))


def _reduced(features: DataFrame) -> DataFrame:
    """Each action computes the features anew: nothing is kept between them."""
    features.show(5)
    vectors = features.withColumn("vector", array_to_vector("features"))
    scaler = StandardScaler(withMean=True, withStd=True, inputCol="vector", outputCol="scaled")
    scaled = scaler.fit(vectors).transform(vectors)
    pca = PCA(k=COMPONENTS, inputCol="scaled", outputCol="pca")
    return pca.fit(scaled).transform(scaled).select("path", "label", "pca")


if __name__ == "__main__":
    main(*sys.argv[1:])
