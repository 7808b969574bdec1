"""What it means that a process of the run has died: most often, that its memory was too little."""

from __future__ import annotations

import re

from job.errors import OutOfMemoryError

# What is killed, how Spark tells it, and the setting that gives it more.
_KILLED = {
    # 137 is SIGKILL, Kubernetes says OOMKilled; 52 is Spark's own code for a JVM without heap.
    "an executor was killed": (
        re.compile(r"possible container OOM|OOMKilled|exited with exit code 137", re.IGNORECASE),
        "raise executor.memoryOverhead of the values (spark.executor.memoryOverhead), or lower "
        "executor.cores",
    ),
    "the heap of a JVM was used up": (
        re.compile(r"java\.lang\.OutOfMemoryError|exited with exit code 52\b"),
        "raise executor.memory or driver.memory of the values (spark.executor.memory, "
        "spark.driver.memory)",
    ),
    "a Python worker was killed": (
        re.compile(r"Python worker exited unexpectedly"),
        "raise executor.memoryOverhead of the values (spark.executor.memoryOverhead); on one "
        "machine run fewer tasks at a time, such as --master local[1]",
    ),
    "the JVM of the driver has died": (
        re.compile(
            r"Answer from Java side is empty|Error while sending or receiving"
            r"|trying to connect to the Java server|^\[Errno \d+\] Connection (?:refused|reset)"
        ),
        "raise driver.memoryOverhead of the values (spark.driver.memoryOverhead), or free memory "
        "of this machine",
    ),
}


def memory_error(text: str) -> OutOfMemoryError | None:
    """The error that a failure of Spark stands for, if it says that a process died; else None."""
    for what, (pattern, fix) in _KILLED.items():
        if pattern.search(text):
            return OutOfMemoryError(
                f"{what}, again and again: most often by the kernel, for its memory",
                expected="1200 MiB for each Python worker, beside the heap and 384 MiB",
                fix=fix,
            )
    return None
