"""What driver and executors ask of Kubernetes, from Spark's settings as Spark itself reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from job.quantities import parse_cpu, parse_java_memory

GIBIBYTE = 1024**3
# Of jobs in Python on Kubernetes, where nothing is set (spark.kubernetes.memoryOverheadFactor).
_PYTHON_OVERHEAD_FACTOR = "0.4"
_LEAST_OVERHEAD = "384m"
_HEAP = "1g"


@dataclass(frozen=True)
class Request:
    """vCPUs and memory (GB of 2^30 bytes) that a pod asks for."""

    vcpus: float
    gigabytes: float


def driver_request(settings: Mapping[str, str]) -> Request:
    """The driver's pod: memory + overhead, and the cores asked for, if need be fewer than used."""
    return Request(_cores(settings, "driver"), _memory(settings, "driver") / GIBIBYTE)


def executor_request(settings: Mapping[str, str]) -> Request:
    """An executor's pod: memory + overhead, and memory of Python and off the heap where set.

    As BasicExecutorFeatureStep and ResourceProfile of Spark 4.0 sum it up.
    """
    memory = _memory(settings, "executor")
    memory += _bytes(settings.get("spark.executor.pyspark.memory", "0"))
    if settings.get("spark.memory.offHeap.enabled", "false").lower() == "true":
        memory += parse_java_memory(settings.get("spark.memory.offHeap.size", "0"))
    return Request(_cores(settings, "executor"), memory / GIBIBYTE)


def local_request(settings: Mapping[str, str], cores: int) -> Request:
    """One process without Kubernetes: its task slots, and the heap that it may take."""
    return Request(cores, _bytes(settings.get("spark.driver.memory", _HEAP)) / GIBIBYTE)


def _cores(settings: Mapping[str, str], role: str) -> float:
    used = settings.get(f"spark.{role}.cores", "1")
    return parse_cpu(settings.get(f"spark.kubernetes.{role}.request.cores", used))


def _memory(settings: Mapping[str, str], role: str) -> int:
    heap = _bytes(settings.get(f"spark.{role}.memory", _HEAP))
    given = settings.get(f"spark.{role}.memoryOverhead")
    return heap + (_bytes(given) if given else _default_overhead(settings, role, heap))


def _default_overhead(settings: Mapping[str, str], role: str, heap: int) -> int:
    of_both = settings.get("spark.kubernetes.memoryOverheadFactor", _PYTHON_OVERHEAD_FACTOR)
    factor = float(settings.get(f"spark.{role}.memoryOverheadFactor", of_both))
    least = _bytes(settings.get(f"spark.{role}.minMemoryOverhead", _LEAST_OVERHEAD))
    return max(int(factor * heap), least)


def _bytes(text: str) -> int:
    """An amount of memory; these settings are in MiB where they have no letter."""
    return parse_java_memory(f"{text}m" if text.isdigit() else text)
