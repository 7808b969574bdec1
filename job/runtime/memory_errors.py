"""Recognizes processes of a run that died, most likely because they had too little memory."""

from __future__ import annotations

import re

from job.errors import OutOfMemoryError

# The event, the text by which Spark reports it, and the setting that adds memory.
_MEMORY_FAILURES = {
    # 137 is SIGKILL, which Kubernetes reports as OOMKilled; 52 is Spark's code for a full heap.
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


def out_of_memory_error(text: str) -> OutOfMemoryError | None:
    """The error for the text of a Spark failure; None if the text reports no dead process."""
    for event, (pattern, fix) in _MEMORY_FAILURES.items():
        if pattern.search(text):
            return OutOfMemoryError(
                f"{event}, most likely because it had too little memory",
                expected="1200 MiB for each Python worker, plus the heap and 384 MiB",
                fix=fix,
            )
    return None
