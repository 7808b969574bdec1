"""Daft: its own download and decoding, and Keras in a class UDF with a process for each core.

Usage: python -m tests.benchmarks.peers.daft_udf INPUT OUTPUT
"""

from __future__ import annotations

import os
import sys

import daft
import numpy as np
from daft import DataType, Series
from daft.io import IOConfig, S3Config

from tests.benchmarks.peers import keras_model

BATCH = 32
# What is downloaded, decoded and handed over at a time; by default a hundred thousand rows.
ROWS = 256


@daft.cls(max_concurrency=os.cpu_count(), use_process=True)
class Featurizer:
    """The model of one process."""

    def __init__(self) -> None:
        self._model = keras_model.build(threads=1)

    @daft.method.batch(return_dtype=DataType.list(DataType.float32()), batch_size=BATCH)
    def features(self, images: Series) -> list[np.ndarray]:
        resized = np.stack([keras_model.of_pixels(rgb) for rgb in images.to_pylist()])
        return list(keras_model.features(self._model, resized))


def main(input_path: str, output_path: str) -> None:
    """Features as Parquet."""
    daft.set_runner_native()
    io_config = _io_config()
    files = daft.from_glob_path(f"{input_path}/**/*.jpg", io_config=io_config).select("path")
    content = daft.col("path").download(io_config=io_config)
    images = files.into_batches(ROWS).with_column("image", content.decode_image(mode="RGB"))
    features = images.select("path", Featurizer().features(images["image"]).alias("features"))
    features.write_parquet(f"{output_path}/features", io_config=io_config)


def _io_config() -> IOConfig:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is None:
        return IOConfig()
    return IOConfig(
        s3=S3Config(
            endpoint_url=endpoint,
            region_name=os.environ["AWS_REGION"],
            key_id=os.environ["AWS_ACCESS_KEY_ID"],
            access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
            use_ssl=False,
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
