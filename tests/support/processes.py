"""Finds the descendants of a process in /proc."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process; the start time distinguishes it from a later one with the same pid."""

    pid: int
    started: int
    # These may change during its life: the parent dies, the name is set.
    parent: int = field(compare=False)
    name: str = field(compare=False)

    def runs(self) -> bool:
        """Whether the process still runs."""
        return _process(Path(f"/proc/{self.pid}")) == self


def descendants(pid: int) -> set[Process]:
    """The running children of a process, their children, and so on."""
    running = _running()
    result: set[Process] = set()
    parents = {pid}
    while parents:
        children = {process for process in running if process.parent in parents} - result
        result |= children
        parents = {process.pid for process in children}
    return result


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until the condition is true; fail the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)


def _running() -> set[Process]:
    processes = (_process(folder) for folder in Path("/proc").glob("[0-9]*"))
    return {process for process in processes if process is not None}


def _process(folder: Path) -> Process | None:
    with suppress(FileNotFoundError, ProcessLookupError):
        before, _, after = (folder / "stat").read_text(errors="replace").rpartition(")")
        fields = after.split()
        if fields[0] != "Z":
            name = before.partition("(")[2]
            return Process(int(folder.name), int(fields[19]), int(fields[1]), name)
    return None
