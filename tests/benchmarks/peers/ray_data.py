"""Ray Data: `read_images`, resize in the reading tasks, Keras in a pool of actors.

Usage: python -m tests.benchmarks.peers.ray_data INPUT OUTPUT
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
import pyarrow.fs
import ray

from tests.benchmarks.peers import keras_model

BATCH = 32
# An actor for each core, and half of its core for the tasks that read and decode: with a whole
# core for each actor none would be left for these.
CPUS_PER_ACTOR = 0.5


class Featurizer:
    """The model of one actor."""

    def __init__(self) -> None:
        self._model = keras_model.build(threads=1)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        features = keras_model.features(self._model, batch["image"])
        return {"path": batch["path"], "features": features}


def main(input_path: str, output_path: str) -> None:
    """Features as Parquet."""
    cores = os.cpu_count() or 1
    ray.init(num_cpus=cores, include_dashboard=False, _node_ip_address="127.0.0.1")
    ray.data.DataContext.get_current().enable_progress_bars = False
    filesystem, source = _filesystem(input_path)
    images = ray.data.read_images(source, filesystem=filesystem, mode="RGB", include_paths=True)
    features = images.map_batches(_resized, batch_size=BATCH).map_batches(
        Featurizer,
        batch_size=BATCH,
        num_cpus=CPUS_PER_ACTOR,
        compute=ray.data.ActorPoolStrategy(size=cores),
    )
    filesystem, target = _filesystem(output_path)
    features.write_parquet(f"{target}/features", filesystem=filesystem)
    ray.shutdown()


def _resized(batch: dict[str, Any]) -> dict[str, Any]:
    images = np.stack([keras_model.of_pixels(rgb) for rgb in batch["image"]])
    return {"path": batch["path"], "image": images}


def _filesystem(path: str) -> tuple[pyarrow.fs.FileSystem | None, str]:
    """The filesystem of a path, and what the path is called there."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is None:
        return None, path
    s3 = pyarrow.fs.S3FileSystem(endpoint_override=endpoint, region=os.environ["AWS_REGION"])
    return s3, path.partition("://")[2]


if __name__ == "__main__":
    main(*sys.argv[1:])
