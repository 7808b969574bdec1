"""A part of a GraphDef as a TensorFlow function."""

from __future__ import annotations

from typing import Any

from job.features.tensorflow_import import tensorflow


def graph_function(definition: Any, input_tensor: str, output_tensor: str) -> Any:
    """The part of the GraphDef that computes `output_tensor` from `input_tensor`.

    Its `graph` has a placeholder with the name of `input_tensor`.
    """
    tf = tensorflow()
    imported = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(definition, name=""), []
    )
    tensor = imported.graph.get_tensor_by_name
    return imported.prune(tensor(input_tensor), tensor(output_tensor))
