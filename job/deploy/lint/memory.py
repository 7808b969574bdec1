"""Memory of the pods: enough for heap and Python, and no more than a node has."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import ROLES, Subject, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.quantities import MEBIBYTE, gibibytes, java_bytes

# UnifiedMemoryManager refuses to start below 1.5 times what it reserves, 300 MiB.
_LEAST_HEAP = 450 * MEBIBYTE
# Measured: a Python worker with the network in it; the JVM beside its heap.
_PYTHON_WORKER = 1200 * MEBIBYTE
_JVM_OVERHEAD = 384 * MEBIBYTE
# What the kubelet of an EKS node keeps: 255 MiB, 11 MiB a pod of at least 29, and 100 MiB free.
_KEPT_BY_NODE = (255 + 11 * 29 + 100) * MEBIBYTE
_FEATURIZING = ("run", "featurize")
_PYSPARK_MEMORY = "spark.executor.pyspark.memory"
_RESULT_SIZE = "spark.driver.maxResultSize"


def heap_too_small(subject: Subject) -> Iterator[Finding]:
    """A heap with which Spark does not start."""
    for role in ROLES:
        memory = subject.value(f"{role}.memory")
        if java_bytes(memory) < _LEAST_HEAP:
            why = "Spark does not start with a heap below 450 MiB"
            yield error(f"{role}.memory", memory, why, f"set {role}.memory: 1g")


def overhead_too_small(subject: Subject) -> Iterator[Finding]:
    """Less beside the heap than the JVM and the Python workers take: the pod would be killed."""
    for role in ROLES:
        overhead = subject.value(f"{role}.memoryOverhead")
        workers = subject.value("executor.cores") if _has_network(subject, role) else 0
        needed = _JVM_OVERHEAD + workers * _PYTHON_WORKER
        if java_bytes(overhead) < needed:
            parts = f"; {workers} Python workers take 1200 MiB each" if workers else ""
            yield error(
                f"{role}.memoryOverhead",
                overhead,
                f"the JVM takes 384 MiB beside its heap{parts}: Kubernetes would kill the pod",
                f"set {role}.memoryOverhead: {-(-needed // MEBIBYTE // 100) * 100}m or more",
            )


def pod_larger_than_node(subject: Subject) -> Iterator[Finding]:
    """A pod that asks for more memory than a node can give (`--node-memory`)."""
    if subject.node.memory is None:
        return
    for role in ROLES:
        asked = _asked(subject, role)
        if asked > subject.node.memory - _KEPT_BY_NODE:
            yield error(
                f"{role}.memory",
                f"{subject.value(f'{role}.memory')} + {subject.value(f'{role}.memoryOverhead')}",
                f"the pod asks for {gibibytes(asked)}; of {gibibytes(subject.node.memory)} a node "
                f"gives {gibibytes(subject.node.memory - _KEPT_BY_NODE)} at most, so it would wait "
                "for ever",
                f"larger nodes, or less {role}.memory, or fewer {role}.cores and less overhead",
            )


def limited_python(subject: Subject) -> Iterator[Finding]:
    """`spark.executor.pyspark.memory`, which limits what TensorFlow may map."""
    value = subject.own_conf.get(_PYSPARK_MEMORY)
    if value is not None:
        why = "Spark makes it a limit of addresses for each Python worker; TensorFlow maps far more"
        fix = "leave it out; executor.memoryOverhead is where Python's memory is"
        yield error(conf_key(_PYSPARK_MEMORY), value, why, fix)


def results_larger_than_heap(subject: Subject) -> Iterator[Finding]:
    """`spark.driver.maxResultSize` that lets results fill the driver's heap."""
    value, heap = subject.conf[_RESULT_SIZE], subject.value("driver.memory")
    # Spark takes 0 for no limit.
    if java_bytes(value) == 0 or java_bytes(value) >= java_bytes(heap):
        why = f"results may then fill the driver's heap ({heap}), and the driver dies of it"
        yield warning(conf_key(_RESULT_SIZE), value, why, "leave it out; rows never go there")


def _has_network(subject: Subject, role: str) -> bool:
    command, images = subject.value("command"), subject.arguments.options.get("input_path")
    # project featurizes where it is given images.
    featurizes = command in _FEATURIZING or (command == "project" and images is not None)
    return role == "executor" and featurizes


def _asked(subject: Subject, role: str) -> int:
    """What the pod asks for: heap, overhead, and what settings add to them."""
    asked = sum(
        java_bytes(subject.value(f"{role}.{name}")) for name in ("memory", "memoryOverhead")
    )
    if subject.conf.get("spark.memory.offHeap.enabled", "").lower() == "true":
        added = java_bytes(subject.conf.get("spark.memory.offHeap.size", "0"))
        asked += added if role == "executor" else 0
    return asked
