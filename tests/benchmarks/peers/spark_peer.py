"""What the two Spark peers share: a session as their users start it, and the images."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

_S3A = "spark.hadoop.fs.s3a"


def session(name: str, settings: Mapping[str, str]) -> SparkSession:
    """Spark on all cores of this machine, with s3a on the server at AWS_ENDPOINT_URL."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    common = {
        "spark.driver.memory": "4g",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
    }
    builder = SparkSession.builder.appName(name).master(f"local[{os.cpu_count()}]")
    for key, value in {**common, **_on_s3(), **settings}.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def images(spark: SparkSession, input_path: str) -> DataFrame:
    """`path`, `label` and `content` of each file under the input."""
    files = (
        spark.read.format("binaryFile")
        .option("pathGlobFilter", "*.jpg")
        .option("recursiveFileLookup", "true")
        .load(input_path)
    )
    return files.withColumn("label", F.element_at(F.split("path", "/"), -2))


def _on_s3() -> dict[str, str]:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is None:
        return {}
    return {
        f"{_S3A}.endpoint": endpoint,
        f"{_S3A}.endpoint.region": os.environ["AWS_REGION"],
        f"{_S3A}.path.style.access": "true",
        f"{_S3A}.connection.ssl.enabled": "false",
    }
