"""The frozen graph: made by Keras from a weights file, run by TensorFlow alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from job.errors import WeightsError
from job.features.backbones import Backbone
from job.features.batch_norm_folding import fold_batch_norms
from job.features.precision import in_bfloat16
from job.features.tensorflow_import import tensorflow
from job.features.weights import load_weights, tensors_sha256

if TYPE_CHECKING:
    import keras

Images = np.ndarray[Any, np.dtype[np.uint8]]
Features = np.ndarray[Any, np.dtype[np.float32]]

# What its two tensors are called: the first as told below, the second by TensorFlow.
INPUT, OUTPUT = "images:0", "Identity:0"


def frozen_graph(chosen: Backbone, weights: str, sha256: str, precision: str) -> bytes:
    """A GraphDef from INPUT, uint8 (n, height, width, 3), to OUTPUT, float32 (n, dimension).

    All weights are constants of it. `sha256` is that of their tensors: raises WeightsError if the
    file has others or cannot be loaded.
    """
    model = chosen.build()
    load_weights(model, chosen, weights)
    found = tensors_sha256(model)
    if found != sha256:
        raise WeightsError(
            f"the tensors of {weights} have sha256 {found}",
            expected=f"{sha256}, as on the driver",
            fix="give all machines the same weights file",
        )
    fold_batch_norms(model)
    graph = frozen(model, chosen)
    if precision == "bf16":
        graph = in_bfloat16(graph, INPUT, OUTPUT, _tensor_of(graph, chosen.float32_until))
    serialized: bytes = graph.SerializeToString(deterministic=True)
    return serialized


def graph_key(chosen: Backbone, sha256: str, precision: str) -> str:
    """In hexadecimal, what is another for any other graph, or way to make it."""
    digest = hashlib.sha256()
    made_by = [file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py"))]
    version = tensorflow().version.VERSION
    for part in (repr(chosen).encode(), sha256.encode(), precision.encode(), version.encode()):
        made_by.append(part)
    for part in made_by:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:32]


def as_function(graph: bytes, threads: int) -> Callable[[Images], Features]:
    """The GraphDef `graph` from its INPUT to its OUTPUT.

    `threads` share the work of an operation, that of the caller among them.
    """
    tf = tensorflow()
    with tf.Graph().as_default() as imported:
        tf.graph_util.import_graph_def(tf.compat.v1.GraphDef.FromString(graph), name="")
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1
    )
    # Each operation waits for the one before it: a queue between them, which a tf.function has too,
    # takes a fifteenth of the time of two images.
    config.experimental.executor_type = "SINGLE_THREADED_EXECUTOR"
    session = tf.compat.v1.Session(graph=imported, config=config)
    function: Callable[[Images], Features] = session.make_callable(OUTPUT, [INPUT])
    return function


def _tensor_of(graph: Any, layer: str | None) -> str | None:
    """What the layer of that name gives, in a graph of `frozen`."""
    if layer is None:
        return None
    names = [node.name for node in graph.node if f"/{layer}_1/" in node.name]
    return f"{names[-1]}:0"


def frozen(model: keras.Model, chosen: Backbone) -> Any:
    """The GraphDef of preprocessing and `model`, its variables as constants."""
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    def features(images: Any) -> Any:
        pixels = tf.cast(images, tf.float32)
        if chosen.preprocessing != "none":
            mode = chosen.preprocessing
            pixels = keras.applications.imagenet_utils.preprocess_input(pixels, mode=mode)
        return model(pixels, training=False)

    images = tf.TensorSpec((None, *chosen.input_size, 3), tf.uint8, INPUT.partition(":")[0])
    traced = tf.function(features, autograph=False).get_concrete_function(images)
    return convert_variables_to_constants_v2(traced).graph.as_graph_def()
