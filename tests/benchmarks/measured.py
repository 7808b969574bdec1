"""Run a command to its end and measure it: seconds, and the peak memory of each kind of process."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psutil

MEBIBYTE = 1024 * 1024
SAMPLE_SECONDS = 0.2


@dataclass
class Measured:
    """`peak_mib` is the largest resident set of one process of that kind, in MiB."""

    seconds: float
    peak_mib: dict[str, float] = field(default_factory=dict)


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run `command`; raises RuntimeError with its last lines if it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peaks: dict[str, float] = {}
    sampler = threading.Thread(target=_sample, args=(process.pid, peaks), daemon=True)
    sampler.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(
            f"{' '.join(command)} ended with {process.returncode}:\n{output[-3000:]}"
        )
    return Measured(seconds, peaks)


def _sample(pid: int, peaks: dict[str, float]) -> None:
    while psutil.pid_exists(pid):
        try:
            root = psutil.Process(pid)
            for process in [root, *root.children(recursive=True)]:
                kind = _kind(process, root)
                resident = process.memory_info().rss / MEBIBYTE
                peaks[kind] = max(peaks.get(kind, 0.0), resident)
        except psutil.NoSuchProcess:
            pass
        time.sleep(SAMPLE_SECONDS)


def _kind(process: psutil.Process, root: psutil.Process) -> str:
    if process.name().startswith("java"):
        return "JVM"
    return "driver Python" if process.pid == root.pid else "Python worker"
