"""Computes the resource requests of driver and executor pods from Spark's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from job.quantities import parse_cpu, parse_java_memory

GIBIBYTE = 1024**3
# The default of spark.kubernetes.memoryOverheadFactor for Python jobs.
_PYTHON_OVERHEAD_FACTOR = "0.4"
_MIN_OVERHEAD = "384m"
_HEAP = "1g"


@dataclass(frozen=True)
class Request:
    """The vCPUs and memory (GB of 2^30 bytes) that a pod requests."""

    vcpus: float
    gigabytes: float


def driver_request(settings: Mapping[str, str]) -> Request:
    """The request of the driver pod: its cores, and memory with overhead."""
    return Request(_cores(settings, "driver"), _memory(settings, "driver") / GIBIBYTE)


def executor_request(settings: Mapping[str, str]) -> Request:
    """The request of an executor pod: its cores, and memory with overhead, Python and off-heap.

    Follows BasicExecutorFeatureStep and ResourceProfile of Spark 4.1.
    """
    memory = _memory(settings, "executor")
    memory += _bytes(settings.get("spark.executor.pyspark.memory", "0"))
    if settings.get("spark.memory.offHeap.enabled", "false").lower() == "true":
        memory += parse_java_memory(settings.get("spark.memory.offHeap.size", "0"))
    return Request(_cores(settings, "executor"), memory / GIBIBYTE)


def local_request(settings: Mapping[str, str], cores: int) -> Request:
    """The resources of a local process: its task slots and its maximum heap."""
    return Request(cores, _bytes(settings.get("spark.driver.memory", _HEAP)) / GIBIBYTE)


def _cores(settings: Mapping[str, str], role: str) -> float:
    spark_cores = settings.get(f"spark.{role}.cores", "1")
    return parse_cpu(settings.get(f"spark.kubernetes.{role}.request.cores", spark_cores))


def _memory(settings: Mapping[str, str], role: str) -> int:
    heap = _bytes(settings.get(f"spark.{role}.memory", _HEAP))
    overhead = settings.get(f"spark.{role}.memoryOverhead")
    return heap + (_bytes(overhead) if overhead else _default_overhead(settings, role, heap))


def _default_overhead(settings: Mapping[str, str], role: str, heap: int) -> int:
    default = settings.get("spark.kubernetes.memoryOverheadFactor", _PYTHON_OVERHEAD_FACTOR)
    factor = float(settings.get(f"spark.{role}.memoryOverheadFactor", default))
    minimum = _bytes(settings.get(f"spark.{role}.minMemoryOverhead", _MIN_OVERHEAD))
    return max(int(factor * heap), minimum)


def _bytes(text: str) -> int:
    """The bytes of a memory setting; without a unit, it is in MiB."""
    return parse_java_memory(f"{text}m" if text.isdigit() else text)
