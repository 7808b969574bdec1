"""Runs the job in its own process group, and kills its processes."""

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
    """A running job, the log of its standard error, and its child processes."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        """The log so far."""
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = 400) -> None:
        """Wait until the log contains `text`; the job must not end before."""
        deadline = time.monotonic() + seconds
        while text not in self.output():
            assert self.process.poll() is None, self.output()[-3000:]
            assert time.monotonic() < deadline, f"no {text!r} in {self.output()[-3000:]}"
            time.sleep(0.05)

    def executors(self) -> list[psutil.Process]:
        """The JVMs of executors on a local cluster."""
        return self.children("CoarseGrainedExecutorBackend")

    def workers(self) -> list[psutil.Process]:
        """The Python workers, which the daemon of an executor forks."""
        forks = self.children("-m job.runtime.worker_daemon")
        daemons = {fork.pid for fork in forks}
        return [fork for fork in forks if _parent(fork) in daemons]

    def children(self, command: str) -> list[psutil.Process]:
        """The descendants whose command line contains `command`."""
        descendants = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in descendants if command in _command_line(child)]

    def kill(self) -> None:
        """Send SIGKILL to all processes of the job, as if its machine were lost."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self, seconds: float = 400) -> int:
        """Wait for the end; returns the exit code."""
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
def job(
    *arguments: str,
    environment: Mapping[str, str],
    root: Path = CHECKOUT,
    python: str = sys.executable,
) -> Iterator[Job]:
    """Run the job in a new process group, and kill the group when the block ends.

    `root` is the folder with the package `job`, `python` the interpreter.
    """
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        log = Path(folder) / "stderr"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [python, "-m", "job", *arguments],
                # Python workers find the package by PYTHONPATH, this process by its folder.
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
    max_pause: float,
) -> int:
    """Kill a random victim `times` times, with random pauses; returns the number of kills."""
    killed = 0
    while killed < times and running.process.poll() is None:
        time.sleep(chance.uniform(0.5, max_pause))
        processes = victims()
        if processes:
            chance.choice(processes).kill()
            killed += 1
    return killed
