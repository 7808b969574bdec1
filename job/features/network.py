"""RGB arrays in, features out: the frozen TensorFlow graph, one for each Python worker process."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from job.features.backbones import Backbone, backbone
from job.features.graph import Features, Images, as_function, frozen_graph, graph_key
from job.features.model_cache import kept_graph
from job.features.precision import require_precision
from job.features.tensorflow_import import tensorflow


def images_a_pass(threads: int) -> int:
    """How many images go through the network at once, where nobody has chosen: by measurement.

    What a layer makes of two images stays in the caches of a core. Of several threads each wants a
    part of a layer, and finds too little in two images.
    """
    return 2 if threads == 1 else 8


@dataclass(frozen=True)
class NetworkSpec:
    """All that a worker needs to build the network; picklable, small.

    `backbone` is a name of the registry, `weights` a path on the worker's disk, `threads` the
    task's cpus, `precision` f32 or bf16.
    """

    backbone: str
    weights: str
    tensors_sha256: str
    threads: int
    batch_size: int
    precision: str = "f32"


class Network:
    """Features of images, on `threads` threads and `batch_size` images at a time.

    `forward` takes uint8 (n, height, width, 3), any n, and gives float32 (n, dimension).
    """

    def __init__(self, forward: Callable[[Images], Features], batch_size: int) -> None:
        self._forward = forward
        self._batch_size = batch_size

    def features(self, batch: Images) -> Features:
        """Features float32 (n, dimension) of RGB images uint8 (n, height, width, 3), n >= 1."""
        starts = range(0, len(batch), self._batch_size)
        return np.concatenate([self._forward(batch[i : i + self._batch_size]) for i in starts])


# A task may ask while the thread that `begin` started still builds.
_building = threading.Lock()


def network(spec: NetworkSpec) -> Network:
    """The network of this process: built on the first call, ready to run.

    Raises WeightsError if the file cannot be loaded or its tensors are not those of `spec`,
    InvalidValueError if this CPU cannot compute in its precision.
    """
    with _building:
        return _network(spec)


def start_network(spec: NetworkSpec) -> None:
    """Build the network in a background thread, so that the first batch waits for less."""

    def build() -> None:
        # What fails here fails again, and is told, when the network is asked for.
        with suppress(Exception):
            network(spec)

    threading.Thread(target=build, name="build-network", daemon=True).start()


@lru_cache(maxsize=1)
def _network(spec: NetworkSpec) -> Network:
    tf = tensorflow()
    tf.config.threading.set_intra_op_parallelism_threads(spec.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    chosen = backbone(spec.backbone)
    built = Network(as_function(_graph(chosen, spec), spec.threads), spec.batch_size)
    # The first call optimises the graph: no batch should wait for that.
    built.features(np.zeros((1, *chosen.input_size, 3), np.uint8))
    # The model that was frozen is one cycle of references: 46 MB. The rest stays, and is not to
    # be looked through after each task.
    gc.collect()
    gc.freeze()
    return built


def _graph(chosen: Backbone, spec: NetworkSpec) -> bytes:
    """Built by Keras where no worker of this machine has done so before."""
    require_precision(spec.precision)
    wanted = spec.tensors_sha256, spec.precision
    key = graph_key(chosen, *wanted)
    return kept_graph(key, lambda: frozen_graph(chosen, spec.weights, *wanted))
