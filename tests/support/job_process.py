"""The job as a process of its own, whose processes can be seen and killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

CHECKOUT = Path(__file__).parents[2]


@dataclass
class Job:
    """A running job, its standard error so far, and the children of it that one may kill."""

    process: subprocess.Popen[bytes]
    log: Path

    def told(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = 400) -> None:
        """Until it has said `text`; it must not end before."""
        deadline = time.monotonic() + seconds
        while text not in self.told():
            assert self.process.poll() is None, self.told()[-3000:]
            assert time.monotonic() < deadline, f"no {text!r} in {self.told()[-3000:]}"
            time.sleep(0.05)

    def executors(self) -> list[psutil.Process]:
        """JVMs of executors, each a process of its own on a local cluster."""
        return self.children("CoarseGrainedExecutorBackend")

    def workers(self) -> list[psutil.Process]:
        """Python workers, which the daemon of an executor forks."""
        forks = self.children("-m job.runtime.worker_daemon")
        daemons = {fork.pid for fork in forks}
        return [fork for fork in forks if _parent(fork) in daemons]

    def children(self, command: str) -> list[psutil.Process]:
        """Its descendants whose command line has `command`."""
        descendants = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in descendants if command in _command_line(child)]

    def kill(self) -> None:
        """SIGKILL to all its processes, as when its machine is gone."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self, seconds: float = 400) -> int:
        """Its exit code."""
        return self.process.wait(timeout=seconds)


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


@contextmanager
def job(*arguments: str, environment: Mapping[str, str], root: Path = CHECKOUT) -> Iterator[Job]:
    """The job in a process group of its own, of which nothing is left at the end.

    `root` is the folder that holds the package `job`.
    """
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        log = Path(folder) / "stderr"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "job", *arguments],
                # Python workers find the package by the variable, this process by its folder.
                env={**environment, "PYTHONPATH": str(root)},
                cwd=root,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
        started = Job(process, log)
        try:
            yield started
        finally:
            if process.poll() is None:
                started.kill()


def kill_at_random(
    running: Job,
    victims: Callable[[], list[psutil.Process]],
    times: int,
    chance: random.Random,
    most_seconds: float,
) -> int:
    """SIGKILL `times` of the victims, with random pauses; how many were there to kill."""
    killed = 0
    while killed < times and running.process.poll() is None:
        time.sleep(chance.uniform(0.5, most_seconds))
        there = victims()
        if there:
            chance.choice(there).kill()
            killed += 1
    return killed
