"""The frozen graph: Keras builds it from a weights file, TensorFlow alone runs it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from job.errors import WeightsError
from job.features.backbones import Backbone
from job.features.batch_norm_folding import fold_batch_norms
from job.features.precision import to_bfloat16
from job.features.tensorflow_import import tensorflow
from job.features.weights import load_weights, tensors_sha256

if TYPE_CHECKING:
    import keras

Images = np.ndarray[Any, np.dtype[np.uint8]]
Features = np.ndarray[Any, np.dtype[np.float32]]

# The names of its two tensors: `freeze` sets the first, TensorFlow the second.
INPUT, OUTPUT = "images:0", "Identity:0"


def frozen_graph(backbone: Backbone, weights: str, sha256: str, precision: str) -> bytes:
    """A serialized GraphDef from INPUT, uint8 (n, height, width, 3), to OUTPUT, float32 (n, d).

    Its weights are constants. Raises WeightsError if `weights` cannot be loaded or the sha256 of
    its tensors is not `sha256`.
    """
    model = backbone.build()
    load_weights(model, backbone, weights)
    loaded_sha256 = tensors_sha256(model)
    if loaded_sha256 != sha256:
        raise WeightsError(
            f"the tensors of {weights} have sha256 {loaded_sha256}",
            expected=f"{sha256}, as on the driver",
            fix="give all machines the same weights file",
        )
    fold_batch_norms(model)
    graph = freeze(model, backbone)
    if precision == "bf16":
        graph = to_bfloat16(graph, INPUT, OUTPUT, _layer_output(graph, backbone.float32_until))
    serialized: bytes = graph.SerializeToString(deterministic=True)
    return serialized


def graph_key(backbone: Backbone, sha256: str, precision: str) -> str:
    """A hexadecimal key of the graph, the TensorFlow version and the code that builds the graph."""
    digest = hashlib.sha256()
    parts = [file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py"))]
    version = tensorflow().version.VERSION
    parts += [repr(backbone).encode(), sha256.encode(), precision.encode(), version.encode()]
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:32]


def load_graph(graph: bytes, threads: int) -> Callable[[Images], Features]:
    """A function that runs the GraphDef `graph` from its INPUT to its OUTPUT.

    `threads` threads share the work of an operation, including the caller's.
    """
    tf = tensorflow()
    with tf.Graph().as_default() as imported:
        tf.graph_util.import_graph_def(tf.compat.v1.GraphDef.FromString(graph), name="")
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1
    )
    # Run operations one after the other: a queue between them, which a tf.function has too, takes a
    # fifteenth of the time of two images.
    config.experimental.executor_type = "SINGLE_THREADED_EXECUTOR"
    session = tf.compat.v1.Session(graph=imported, config=config)
    function: Callable[[Images], Features] = session.make_callable(OUTPUT, [INPUT])
    return function


def _layer_output(graph: Any, layer: str | None) -> str | None:
    """The name of the output tensor of a layer in a graph of `freeze`."""
    if layer is None:
        return None
    names = [node.name for node in graph.node if f"/{layer}_1/" in node.name]
    return f"{names[-1]}:0"


def freeze(model: keras.Model, backbone: Backbone) -> Any:
    """The GraphDef of preprocessing and `model`, its variables as constants."""
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    def features(images: Any) -> Any:
        pixels = tf.cast(images, tf.float32)
        if backbone.preprocessing != "none":
            mode = backbone.preprocessing
            pixels = keras.applications.imagenet_utils.preprocess_input(pixels, mode=mode)
        return model(pixels, training=False)

    images = tf.TensorSpec((None, *backbone.input_size, 3), tf.uint8, INPUT.partition(":")[0])
    traced = tf.function(features, autograph=False).get_concrete_function(images)
    return convert_variables_to_constants_v2(traced).graph.as_graph_def()
