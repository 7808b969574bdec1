"""What the driver takes while a block runs: its heap that is alive, its Python process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from pyspark.sql import SparkSession

MEBIBYTE = 1024 * 1024


@contextmanager
def driver_memory(
    spark: SparkSession, every_seconds: float = 0.5
) -> Iterator[dict[str, list[float]]]:
    """MiB of the driver's heap, each time after a collection, and of its Python process."""
    samples: dict[str, list[float]] = {"heap": [], "python": []}
    over = threading.Event()
    jvm: Any = spark.sparkContext._jvm
    runtime, python = jvm.java.lang.Runtime.getRuntime(), psutil.Process()

    def sample() -> None:
        while not over.wait(every_seconds):
            runtime.gc()
            samples["heap"].append((runtime.totalMemory() - runtime.freeMemory()) / MEBIBYTE)
            samples["python"].append(python.memory_info().rss / MEBIBYTE)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield samples
    finally:
        over.set()
        sampler.join()
