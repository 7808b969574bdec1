"""CPU seconds of a tree of processes by what their threads do, read from /proc while they run."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

JAVA_TASKS, JAVA_ELSE = "Java tasks: all else", "Java: driver and all else"
WORKERS, DRIVER = "Python workers: starting", "Python driver"

_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLE_SECONDS = 0.25

# The names of Java's threads begin so; Linux cuts them after 15 characters.
_JAVA = {
    "Executor task": JAVA_TASKS,
    "stdout writer": "Java: rows to Python",
    "C1 Compiler": "Java: compiling",
    "C2 Compiler": "Java: compiling",
    "VM Thread": "Java: collecting garbage",
    "GC Thread": "Java: collecting garbage",
    "G1 ": "Java: collecting garbage",
}


class ThreadTimes:
    """CPU seconds of `root` and its children, by group.

    Threads live shorter than their process, whose own total is exact: what was not seen of its
    threads counts for the group of all else.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._threads: dict[tuple[int, int], tuple[str, float]] = {}
        self._processes: dict[int, tuple[str, float]] = {}

    def sample(self) -> None:
        """Read all that run now."""
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._root)
            for process in [root, *root.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                    self._read(process.pid)

    def _read(self, pid: int) -> None:
        name, seconds = _stat(Path(f"/proc/{pid}/stat"))
        kind = "java" if name == "java" else DRIVER if pid == self._root else WORKERS
        self._processes[pid] = kind, seconds
        if kind == "java":
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(FileNotFoundError, ProcessLookupError):
                    self._threads[pid, int(thread.name)] = _stat(thread / "stat")

    def seconds(self) -> dict[str, float]:
        """CPU seconds of each group so far."""
        groups: dict[str, float] = defaultdict(float)
        for kind, seconds in self._processes.values():
            groups[JAVA_ELSE if kind == "java" else kind] += seconds
        for name, seconds in self._threads.values():
            group = next((to for begin, to in _JAVA.items() if name.startswith(begin)), JAVA_ELSE)
            groups[group] += seconds
            groups[JAVA_ELSE] -= seconds
        return dict(groups)


@contextmanager
def thread_times(root: int) -> Iterator[ThreadTimes]:
    """Sample the tree under `root` in a thread of this process until the block ends."""
    times, ended = ThreadTimes(root), threading.Event()

    def watch() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            times.sample()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield times
    finally:
        ended.set()
        watcher.join()


def _stat(file: Path) -> tuple[str, float]:
    """Name and CPU seconds (user and system) of proc(5)."""
    name, _, rest = file.read_text(errors="replace").partition("(")[2].rpartition(")")
    fields = rest.split()
    return name, (int(fields[11]) + int(fields[12])) / _TICKS
