"""The network of a Python worker process: RGB arrays to features, with ONNX Runtime."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pyspark import SparkFiles

from job.errors import WeightsError

Images = np.ndarray[Any, np.dtype[np.uint8]]
Features = np.ndarray[Any, np.dtype[np.float32]]


def default_batch_size(threads: int) -> int:
    """The measured best number of images per forward pass.

    The activations of two images stay in the caches of one core. Several threads share a layer, and
    two images are too little work for them.
    """
    return 2 if threads == 1 else 8


@dataclass(frozen=True)
class NetworkSpec:
    """All that a worker needs to build the network; picklable, small.

    `model` is an ONNX file: the name that SparkContext.addFile gave it, or an absolute path.
    `sha256` is the hash of its bytes, `threads` the CPUs of a task.
    """

    model: str
    sha256: str
    threads: int
    batch_size: int


class Network:
    """Computes features of `batch_size` images at a time.

    `forward` takes uint8 (n, height, width, 3), any n, and returns float32 (n, dimension).
    """

    def __init__(self, forward: Callable[[Images], Features], batch_size: int) -> None:
        self._forward = forward
        self._batch_size = batch_size

    def features(self, batch: Images) -> Features:
        """Features float32 (n, dimension) of RGB images uint8 (n, height, width, 3), n >= 1."""
        starts = range(0, len(batch), self._batch_size)
        return np.concatenate([self._forward(batch[i : i + self._batch_size]) for i in starts])


@lru_cache(maxsize=1)
def network(spec: NetworkSpec) -> Network:
    """The network of this process, built on the first call.

    Raises WeightsError if the file is not the driver's.
    """
    return Network(_load(_model(spec), spec.threads), spec.batch_size)


def _model(spec: NetworkSpec) -> bytes:
    file = Path(spec.model)
    content = (file if file.is_absolute() else Path(SparkFiles.get(spec.model))).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != spec.sha256:
        raise WeightsError(
            f"the model {spec.model} has sha256 {sha256} on a worker",
            expected=f"{spec.sha256}, as on the driver",
            fix="run it again; if it happens again, check the disks of the executors",
        )
    return content


def _load(model: bytes, threads: int) -> Callable[[Images], Features]:
    """A function that runs an ONNX model with one input and one output.

    `threads` threads share the work of an operation, including the caller's.
    """
    ort = _onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A waiting thread would take the CPU that decodes the next images.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (images,), (features,) = session.get_inputs(), session.get_outputs()

    def forward(batch: Images) -> Features:
        (result,) = session.run([features.name], {images.name: batch})
        return np.asarray(result)

    return forward


def _onnxruntime() -> Any:
    """ONNX Runtime without telemetry, which it sends on Linux too since version 1.29."""
    # It reads the variable when it is loaded.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime
