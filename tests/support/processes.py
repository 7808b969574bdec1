"""Which processes of this machine descend from one, by proc(5)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A running process; its start time tells it from a later one with the same pid."""

    pid: int
    started: int
    # What may change while it runs: the parent dies, the name is set.
    parent: int = field(compare=False)
    name: str = field(compare=False)

    def runs(self) -> bool:
        """Whether it has not ended."""
        return _process(Path(f"/proc/{self.pid}")) == self


def descendants(pid: int) -> set[Process]:
    """The running children of a process, their children, and so on."""
    running = _running()
    found: set[Process] = set()
    parents = {pid}
    while parents:
        children = {each for each in running if each.parent in parents} - found
        found |= children
        parents = {each.pid for each in children}
    return found


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Return when the condition holds; fail the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)


def _running() -> set[Process]:
    every = (_process(folder) for folder in Path("/proc").glob("[0-9]*"))
    return {process for process in every if process is not None}


def _process(folder: Path) -> Process | None:
    with suppress(FileNotFoundError, ProcessLookupError):
        before, _, after = (folder / "stat").read_text(errors="replace").rpartition(")")
        fields = after.split()
        if fields[0] != "Z":
            name = before.partition("(")[2]
            return Process(int(folder.name), int(fields[19]), int(fields[1]), name)
    return None
