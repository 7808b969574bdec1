"""Spark's own `predict_batch_udf` with Keras, set up as Spark's documentation advises.

Usage: python -m tests.benchmarks.peers.batch_udf INPUT OUTPUT
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql.types import ArrayType, FloatType

from tests.benchmarks.peers import keras_model, spark_peer

BATCH = 32
_COMMITS = "org.apache.spark.internal.io.cloud"

SETTINGS = {
    # A file counts as its length + this: by default as 4 MB, which makes a task of 32 images.
    "spark.sql.files.openCostInBytes": "65536",
    # Rows in Python's memory at a time; by default 10,000.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "256",
    "spark.sql.parquet.compression.codec": "snappy",
    "spark.hadoop.fs.s3a.committer.name": "magic",
    "spark.sql.sources.commitProtocolClass": f"{_COMMITS}.PathOutputCommitProtocol",
    "spark.sql.parquet.output.committer.class": f"{_COMMITS}.BindingParquetOutputCommitter",
    "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a": (
        "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory"
    ),
}


def main(input_path: str, output_path: str) -> None:
    """Features as Parquet."""
    spark = spark_peer.session("predict_batch_udf", SETTINGS)
    featurize = predict_batch_udf(
        _predict_function, return_type=ArrayType(FloatType()), batch_size=BATCH
    )
    found = spark_peer.images(spark, input_path)
    features = found.select("path", "label", featurize("content").alias("features"))
    features.write.mode("overwrite").parquet(f"{output_path}/features")
    spark.stop()


def _predict_function() -> Callable[[np.ndarray], np.ndarray]:
    """Called once for each Python worker, which keeps it."""
    model: Any = keras_model.build(threads=1)

    def predict(contents: np.ndarray) -> np.ndarray:
        images = np.stack([keras_model.decoded(content) for content in contents])
        return keras_model.features(model, images)

    return predict


if __name__ == "__main__":
    main(*sys.argv[1:])
