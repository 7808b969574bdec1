"""The numeric class of features, f32 or bf16, and whether a CPU can compute in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from job.errors import InvalidValueError
from job.features.graph_function import graph_function

CPUINFO = Path("/proc/cpuinfo")
# As Linux calls them: of Intel since Cooper Lake and of AMD since Zen 4, of ARM since Neoverse V1.
_INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "bf16"}
_REWRITE = "auto_mixed_precision_onednn_bfloat16"


def require_precision(precision: str) -> None:
    """Raise InvalidValueError if this CPU has no instructions for `precision`.

    TensorFlow would go on without them: measured with AVX-512 alone, in more than twice the time of
    f32.
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


def in_bfloat16(graph: Any, taken: str, given: str, float32_until: str | None = None) -> Any:
    """The GraphDef `graph` with convolutions in bfloat16; inputs and outputs stay as they are.

    `taken` and `given` are its two tensors. What leads to the tensor `float32_until` stays as it
    is; which operations after it may lose digits is TensorFlow's choice
    (auto_mixed_precision_lists.h of Grappler). Raises InvalidValueError where it changes none: its
    result would be called bf16 and be f32.
    """
    start = float32_until or taken
    changed = _optimized(graph_function(graph, start, given).graph.as_graph_def(), [start, given])
    _require_changed(changed)
    if float32_until is None:
        return changed
    return _joined(graph_function(graph, taken, start).graph.as_graph_def(), start, changed, given)


def _require_changed(graph: Any) -> None:
    from tensorflow.core.framework import types_pb2

    kinds = [node.attr["T"].type for node in graph.node if node.op == "Conv2D"]
    if types_pb2.DT_BFLOAT16 not in kinds:
        raise InvalidValueError(
            "--precision is bf16, which TensorFlow does not offer on this CPU",
            expected="a CPU with AVX-512",
            fix="leave --precision out, or choose other machines",
        )


def _joined(first: Any, middle: str, second: Any, given: str) -> Any:
    """The GraphDef `first`, which gives the tensor `middle`, then `second`, which takes it."""
    import tensorflow as tf

    with tf.Graph().as_default() as joined:
        (found,) = tf.graph_util.import_graph_def(first, return_elements=[middle], name="")
        (end,) = tf.graph_util.import_graph_def(
            second, input_map={middle: found}, return_elements=[given], name="bf16"
        )
        tf.identity(end, given.partition(":")[0])
    return joined.as_graph_def()


def _optimized(graph: Any, fetched: list[str]) -> Any:
    """`graph` after that one pass, run here and not in each session, so that its result is seen."""
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, rewriter_config_pb2
    from tensorflow.python.grappler import tf_optimizer

    with tf.Graph().as_default() as imported:
        tf.graph_util.import_graph_def(graph, name="")
    # What is fetched is in a collection of this name, by Grappler's convention.
    names = meta_graph_pb2.CollectionDef()
    names.node_list.value.extend(fetched)
    described = tf.compat.v1.train.export_meta_graph(graph_def=graph, graph=imported)
    described.collection_def["train_op"].CopyFrom(names)
    config = config_pb2.ConfigProto()
    rewrite = config.graph_options.rewrite_options
    rewrite.min_graph_nodes = -1
    rewrite.optimizers.append(_REWRITE)
    setattr(rewrite, _REWRITE, rewriter_config_pb2.RewriterConfig.ON)
    return tf_optimizer.OptimizeGraph(config, described, verbose=False)


def _flags() -> set[str]:
    """What the CPU can do; empty where Linux does not say."""
    if not CPUINFO.is_file():
        return set()
    lines = CPUINFO.read_text().splitlines()
    said = [line.partition(":")[2] for line in lines if line.startswith(("flags", "Features"))]
    return set(" ".join(said).split())
