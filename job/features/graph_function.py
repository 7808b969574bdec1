"""A part of a GraphDef as a function of TensorFlow."""

from __future__ import annotations

from typing import Any

from job.features.tensorflow_import import tensorflow


def graph_function(definition: Any, taken: str, given: str) -> Any:
    """What leads in the GraphDef from the tensor `taken` to the tensor `given`, and nothing else.

    Its `graph` has a placeholder of the name of `taken`.
    """
    tf = tensorflow()
    imported = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(definition, name=""), []
    )
    tensor = imported.graph.get_tensor_by_name
    return imported.prune(tensor(taken), tensor(given))
