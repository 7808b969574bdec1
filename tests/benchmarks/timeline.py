"""`make bench-timeline`: a long run in steps of ten seconds, on S3 that answers 30 ms late.

How fast images go through the network while nothing else happens, what the commits beside them
cost, and how long the cores wait before and after: what a mean over the run does not tell.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import click
import psutil

from tests.benchmarks.sample import Sample
from tests.benchmarks.storage import Storage, storage
from tests.benchmarks.threads import WORKERS, ThreadTimes

SOURCE = "s3+30ms"
STEP_SECONDS = 10.0


@dataclass(frozen=True)
class Moment:
    """What there has been until then: images asked for, and CPU seconds."""

    at: float
    images: int
    idle: float
    workers: float
    java_and_driver: float
    server: float


@click.command(help=__doc__)
@click.option("--images", default=28000, show_default=True)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def main(images: int, options: tuple[str, ...]) -> None:
    """Run `featurize` with OPTIONS, and print a line a step, each share one of all cores."""
    with tempfile.TemporaryDirectory(prefix="image-features-timeline-") as scratch:
        folder = Sample.of_examples().write(Path(scratch) / "images", images)
        with storage(SOURCE, folder, Path(scratch)) as place:
            moments = _run(place, options)
    print("| second | images/s | network | Java, driver | S3 server | idle |")
    print("| --- | --- | --- | --- | --- | --- |")
    for before, after in pairwise(moments):
        print(_line(before, after))


def _run(place: Storage, options: tuple[str, ...]) -> list[Moment]:
    """Its moments; RuntimeError where it fails."""
    conf = [f"--conf={key}={value}" for key, value in place.settings.items()]
    paths = ["--input", place.input_path, "--output", place.output_path]
    command = [sys.executable, "-m", "job", "featurize", *paths, *options, *conf]
    process = subprocess.Popen(command, env={**os.environ, **place.environment})
    with _moments(process.pid, place) as moments:
        if process.wait():
            raise RuntimeError(f"featurize ended with {process.returncode}")
    return moments


@contextmanager
def _moments(root: int, place: Storage) -> Iterator[list[Moment]]:
    """One a step, and one at the end of the block."""
    times, ended, found = ThreadTimes(root), Event(), []
    started = time.monotonic()

    def watch() -> None:
        while not ended.wait(STEP_SECONDS):
            times.sample()
            found.append(_moment(time.monotonic() - started, times, place))

    found.append(_moment(0.0, times, place))
    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()
        found.append(_moment(time.monotonic() - started, times, place))


def _moment(at: float, times: ThreadTimes, place: Storage) -> Moment:
    machine, seconds = psutil.cpu_times(), times.seconds()
    workers = seconds.get(WORKERS, 0.0)
    return Moment(
        at,
        place.requests().get("GET", 0),
        machine.idle + machine.iowait,
        workers,
        sum(seconds.values()) - workers,
        place.cpu_seconds(),
    )


def _line(before: Moment, after: Moment) -> str:
    seconds = after.at - before.at
    all_cores = seconds * (os.cpu_count() or 1)
    rate = (after.images - before.images) / seconds
    shares = (
        (after.workers - before.workers) / all_cores,
        (after.java_and_driver - before.java_and_driver) / all_cores,
        (after.server - before.server) / all_cores,
        (after.idle - before.idle) / all_cores,
    )
    return f"| {after.at:.0f} | {rate:.0f} | " + " | ".join(f"{it:.0%}" for it in shares) + " |"


if __name__ == "__main__":
    main()
