"""The network of a Python worker process: RGB arrays to features with a frozen TensorFlow graph."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from job.features.backbones import Backbone, backbone
from job.features.graph import Features, Images, frozen_graph, graph_key, load_graph
from job.features.model_cache import cached_graph
from job.features.precision import require_precision
from job.features.tensorflow_import import tensorflow


def default_batch_size(threads: int) -> int:
    """The measured best number of images per forward pass.

    The activations of two images stay in the caches of one core. Several threads share a layer, and
    two images are too little work for them.
    """
    return 2 if threads == 1 else 8


@dataclass(frozen=True)
class NetworkSpec:
    """All that a worker needs to build the network; picklable, small.

    `backbone` is a name in the registry, `weights` a path on the worker's disk, `threads` the
    CPUs of a task, `precision` f32 or bf16.
    """

    backbone: str
    weights: str
    tensors_sha256: str
    threads: int
    batch_size: int
    precision: str = "f32"


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


# A task may need the network while the thread of `start_network` still builds it.
_building = threading.Lock()


def network(spec: NetworkSpec) -> Network:
    """The network of this process, built on the first call.

    Raises WeightsError if the file cannot be loaded or its tensors are not those of `spec`,
    InvalidValueError if this CPU does not support the precision.
    """
    with _building:
        return _network(spec)


def start_network(spec: NetworkSpec) -> None:
    """Build the network in a background thread, so that the first batch waits less."""

    def build() -> None:
        # An error occurs again, and is raised, when a task calls `network`.
        with suppress(Exception):
            network(spec)

    threading.Thread(target=build, name="build-network", daemon=True).start()


@lru_cache(maxsize=1)
def _network(spec: NetworkSpec) -> Network:
    tf = tensorflow()
    tf.config.threading.set_intra_op_parallelism_threads(spec.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    architecture = backbone(spec.backbone)
    built = Network(load_graph(_graph(architecture, spec), spec.threads), spec.batch_size)
    # The first call optimises the graph, which no batch should wait for.
    built.features(np.zeros((1, *architecture.input_size, 3), np.uint8))
    # Free the Keras model, a reference cycle of 46 MB, and exclude the remaining objects from the
    # garbage collection after each task.
    gc.collect()
    gc.freeze()
    return built


def _graph(architecture: Backbone, spec: NetworkSpec) -> bytes:
    """The graph from this machine's cache; Keras builds it if it is missing."""
    require_precision(spec.precision)
    identity = spec.tensors_sha256, spec.precision
    key = graph_key(architecture, *identity)
    return cached_graph(key, lambda: frozen_graph(architecture, spec.weights, *identity))
