"""Memory of the pods: enough for the JVM and Python, and not more than a node has."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import ROLES, LintContext, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.quantities import MEBIBYTE, format_gibibytes, parse_java_memory

# UnifiedMemoryManager does not start below 1.5 times its reserved memory of 300 MiB.
_MIN_HEAP = 450 * MEBIBYTE
# Measured: a Python worker that has loaded the network; the JVM's memory outside its heap.
_PYTHON_WORKER = 1200 * MEBIBYTE
_JVM_OVERHEAD = 384 * MEBIBYTE
# The kubelet of an EKS node reserves 255 MiB, 11 MiB for each of 29 pods, 100 MiB free.
_RESERVED_BY_NODE = (255 + 11 * 29 + 100) * MEBIBYTE
_FEATURIZING = ("run", "featurize")
_PYSPARK_MEMORY = "spark.executor.pyspark.memory"
_RESULT_SIZE = "spark.driver.maxResultSize"


def heap_too_small(context: LintContext) -> Iterator[Finding]:
    """The heap is too small: Spark does not start."""
    for role in ROLES:
        memory = context.value(f"{role}.memory")
        if parse_java_memory(memory) < _MIN_HEAP:
            why = "Spark does not start with a heap below 450 MiB"
            yield error(f"{role}.memory", memory, why, f"set {role}.memory: 1g")


def overhead_too_small(context: LintContext) -> Iterator[Finding]:
    """The memory overhead is less than the JVM and the Python workers need: the pod is killed."""
    for role in ROLES:
        overhead = context.value(f"{role}.memoryOverhead")
        workers = context.value("executor.cores") if _has_network(context, role) else 0
        needed = _JVM_OVERHEAD + workers * _PYTHON_WORKER
        if parse_java_memory(overhead) < needed:
            parts = f"; {workers} Python workers take 1200 MiB each" if workers else ""
            yield error(
                f"{role}.memoryOverhead",
                overhead,
                f"the JVM takes 384 MiB outside its heap{parts}: Kubernetes would kill the pod",
                f"set {role}.memoryOverhead: {-(-needed // MEBIBYTE // 100) * 100}m or more",
            )


def pod_larger_than_node(context: LintContext) -> Iterator[Finding]:
    """A pod requests more memory than a node can allocate (`--node-memory`)."""
    if context.node.memory is None:
        return
    allocatable = context.node.memory - _RESERVED_BY_NODE
    for role in ROLES:
        requested = _requested(context, role)
        if requested > allocatable:
            node, limit = format_gibibytes(context.node.memory), format_gibibytes(allocatable)
            yield error(
                f"{role}.memory",
                f"{context.value(f'{role}.memory')} + {context.value(f'{role}.memoryOverhead')}",
                f"the pod requests {format_gibibytes(requested)}; a node with {node} can allocate "
                f"{limit}: the pod would stay pending",
                f"use larger nodes, less {role}.memory, or fewer {role}.cores and less overhead",
            )


def python_memory_limit(context: LintContext) -> Iterator[Finding]:
    """`spark.executor.pyspark.memory` limits the address space, and libraries map more."""
    value = context.own_conf.get(_PYSPARK_MEMORY)
    if value is not None:
        why = "it limits the address space of each Python worker; its libraries map far more"
        fix = "leave it out; Python's memory is part of executor.memoryOverhead"
        yield error(conf_key(_PYSPARK_MEMORY), value, why, fix)


def result_size_exceeds_heap(context: LintContext) -> Iterator[Finding]:
    """`spark.driver.maxResultSize` is as large as the driver's heap."""
    value, heap = context.conf[_RESULT_SIZE], context.value("driver.memory")
    # 0 means no limit.
    if parse_java_memory(value) == 0 or parse_java_memory(value) >= parse_java_memory(heap):
        why = f"results may fill the driver's heap ({heap}), and the driver runs out of memory"
        yield warning(conf_key(_RESULT_SIZE), value, why, "leave it out: the job collects no rows")


def _has_network(context: LintContext, role: str) -> bool:
    command, images = context.value("command"), context.arguments.options.get("input_path")
    # `project` featurizes if it has an --input.
    featurizes = command in _FEATURIZING or (command == "project" and images is not None)
    return role == "executor" and featurizes


def _requested(context: LintContext, role: str) -> int:
    """The memory request in bytes: heap, overhead, and off-heap memory from Spark settings."""
    requested = sum(
        parse_java_memory(context.value(f"{role}.{name}")) for name in ("memory", "memoryOverhead")
    )
    if context.conf.get("spark.memory.offHeap.enabled", "").lower() == "true":
        added = parse_java_memory(context.conf.get("spark.memory.offHeap.size", "0"))
        requested += added if role == "executor" else 0
    return requested
