"""The numeric class of features, f32 or bf16, and the CPU support for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from job.errors import InvalidValueError
from job.features.graph_function import graph_function

CPUINFO = Path("/proc/cpuinfo")
# CPU flags of Linux: Intel since Cooper Lake, AMD since Zen 4, ARM since Neoverse V1.
_INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "bf16"}
_REWRITE = "auto_mixed_precision_onednn_bfloat16"


def require_precision(precision: str) -> None:
    """Raise InvalidValueError if this CPU has no instructions for `precision`.

    TensorFlow would run without them: with AVX-512 alone, it took more than twice the time of f32.
    """
    if precision == "bf16" and not has_bfloat16():
        raise InvalidValueError(
            "--precision is bf16, for which this CPU has no instructions: f32 is faster and exact",
            expected="a CPU with avx512_bf16 or amx_bf16 in the flags of /proc/cpuinfo",
            fix="leave --precision out, or choose other machines",
        )


def has_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16."""
    return bool(_INSTRUCTIONS & _flags())


def to_bfloat16(
    graph: Any, input_tensor: str, output_tensor: str, float32_until: str | None = None
) -> Any:
    """The GraphDef `graph` with convolutions in bfloat16; input and output keep their types.

    Everything up to the tensor `float32_until` stays float32; TensorFlow chooses the operations
    after it that may lose digits (auto_mixed_precision_lists.h of Grappler). Raises
    InvalidValueError if it changes none: the result would be called bf16, but be f32.
    """
    start = float32_until or input_tensor
    end_part = graph_function(graph, start, output_tensor).graph.as_graph_def()
    converted = _rewrite_to_bfloat16(end_part, [start, output_tensor])
    _require_bfloat16(converted)
    if float32_until is None:
        return converted
    start_part = graph_function(graph, input_tensor, start).graph.as_graph_def()
    return _concatenate(start_part, start, converted, output_tensor)


def _require_bfloat16(graph: Any) -> None:
    from tensorflow.core.framework import types_pb2

    kinds = [node.attr["T"].type for node in graph.node if node.op == "Conv2D"]
    if types_pb2.DT_BFLOAT16 not in kinds:
        raise InvalidValueError(
            "--precision is bf16, which TensorFlow does not offer on this CPU",
            expected="a CPU with AVX-512",
            fix="leave --precision out, or choose other machines",
        )


def _concatenate(first: Any, middle: str, second: Any, output_tensor: str) -> Any:
    """The GraphDef `first`, which computes the tensor `middle`, then `second`, which takes it."""
    import tensorflow as tf

    with tf.Graph().as_default() as combined:
        (middle_tensor,) = tf.graph_util.import_graph_def(first, return_elements=[middle], name="")
        (end,) = tf.graph_util.import_graph_def(
            second, input_map={middle: middle_tensor}, return_elements=[output_tensor], name="bf16"
        )
        tf.identity(end, output_tensor.partition(":")[0])
    return combined.as_graph_def()


def _rewrite_to_bfloat16(graph: Any, fetched: list[str]) -> Any:
    """`graph` after Grappler's bfloat16 pass, run here so that its result can be checked."""
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, rewriter_config_pb2
    from tensorflow.python.grappler import tf_optimizer

    with tf.Graph().as_default() as imported:
        tf.graph_util.import_graph_def(graph, name="")
    # Grappler keeps the tensors of the collection with this name.
    names = meta_graph_pb2.CollectionDef()
    names.node_list.value.extend(fetched)
    meta_graph = tf.compat.v1.train.export_meta_graph(graph_def=graph, graph=imported)
    meta_graph.collection_def["train_op"].CopyFrom(names)
    config = config_pb2.ConfigProto()
    rewrite = config.graph_options.rewrite_options
    rewrite.min_graph_nodes = -1
    rewrite.optimizers.append(_REWRITE)
    setattr(rewrite, _REWRITE, rewriter_config_pb2.RewriterConfig.ON)
    return tf_optimizer.OptimizeGraph(config, meta_graph, verbose=False)


def _flags() -> set[str]:
    """The CPU flags of /proc/cpuinfo; empty on systems other than Linux."""
    if not CPUINFO.is_file():
        return set()
    lines = CPUINFO.read_text().splitlines()
    flags = [line.partition(":")[2] for line in lines if line.startswith(("flags", "Features"))]
    return set(" ".join(flags).split())
