"""`make profile`: where the CPU time of an image goes, and of what the start is made.

Two real runs of `featurize`, a small and a large one: their difference is what an image costs, with
all that starts once left out. Threads are told apart by Linux, steps inside a worker by counters
around the real calls (counted_daemon.py), Spark's stages by its event log.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from tests.benchmarks.counted_daemon import FOLDER_VARIABLE
from tests.benchmarks.event_log import LOG_SETTINGS, stage_seconds
from tests.benchmarks.sample import Sample
from tests.benchmarks.storage import SOURCES, Storage, storage
from tests.benchmarks.threads import JAVA_TASKS, WORKERS, thread_times

SERVER = "S3 server"


@dataclass(frozen=True)
class Run:
    """CPU seconds by what they went into, and moments in seconds since the start, in order."""

    images: int
    wall: float
    cpu: dict[str, float]
    moments: dict[str, float]


@click.command(help=__doc__)
@click.option("--source", type=click.Choice(SOURCES), default="s3", show_default=True)
@click.option("--small", default=1000, show_default=True)
@click.option("--large", default=5000, show_default=True)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def main(source: str, small: int, large: int, options: tuple[str, ...]) -> None:
    """Run both, with OPTIONS of `featurize`, and print the two tables."""
    with tempfile.TemporaryDirectory(prefix="image-features-profile-") as scratch:
        first = _profiled(source, small, Path(scratch), options)
        _say(_timeline(first))
        second = _profiled(source, large, Path(scratch), options)
        _say(_costs(first, second))


def _profiled(source: str, count: int, scratch: Path, options: tuple[str, ...]) -> Run:
    folder = Sample.of_examples().write(scratch / f"images-{count}", count)
    notes, events = scratch / f"notes-{count}", scratch / f"events-{count}"
    notes.mkdir()
    events.mkdir()
    with storage(source, folder, scratch) as place:
        before = place.cpu_seconds()
        run = _run(_command(place, events, options), _environment(place, notes), count)
        run.cpu[SERVER] = place.cpu_seconds() - before
    _add_workers(run, notes)
    _add_stages(run, events)
    return run


def _command(place: Storage, events: Path, options: tuple[str, ...]) -> list[str]:
    settings = {
        **place.settings,
        **LOG_SETTINGS,
        "spark.eventLog.dir": events.as_uri(),
        "spark.python.daemon.module": "tests.benchmarks.counted_daemon",
    }
    conf = [f"--conf={key}={value}" for key, value in settings.items()]
    paths = ["--input", place.input_path, "--output", place.output_path]
    return [sys.executable, "-m", "job", "featurize", *paths, *options, *conf]


def _environment(place: Storage, notes: Path) -> Mapping[str, str]:
    path = os.pathsep.join([os.getcwd(), *filter(None, [os.environ.get("PYTHONPATH")])])
    added = {FOLDER_VARIABLE: str(notes), "PYTHONPATH": path}
    return {**os.environ, **place.environment, **added}


def _run(command: list[str], environment: Mapping[str, str], images: int) -> Run:
    """Run it to its end; the moments are those of its lines. RuntimeError if it fails."""
    started = time.time()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines: list[tuple[float, str]] = []
    with thread_times(process.pid) as times:
        for line in process.stderr:
            lines.append((time.time() - started, line.strip()))
    if process.wait():
        raise RuntimeError("\n".join(line for _, line in lines[-20:]))
    moments = {line.split(" ", 1)[-1]: at for at, line in lines if line.endswith(" s")}
    return Run(images, time.time() - started, times.seconds(), {"start": started, **moments})


def _add_workers(run: Run, notes: Path) -> None:
    """What the workers have counted, in the place of what Linux says of them."""
    counted: Counter[str] = Counter()
    for file in notes.iterdir():
        noted = json.loads(file.read_text())
        counted.update(noted["seconds"])
        for what, at in noted["moments"].items():
            name = f"worker {file.stem} has its {what}"
            run.moments[name] = at - run.moments["start"]
    run.cpu.update({f"worker: {step}": seconds for step, seconds in counted.items()})
    # Processes that import, fork and serve no task.
    run.cpu[WORKERS] -= sum(counted.values())


def _add_stages(run: Run, events: Path) -> None:
    """Java's tasks by what Spark did in them."""
    by_kind = stage_seconds(events)
    run.cpu.update({f"Java tasks: {kind}": seconds for kind, seconds in by_kind.items()})
    run.cpu[JAVA_TASKS] -= sum(by_kind.values())


def _say(lines: Iterable[str]) -> None:
    print(*lines, "", sep="\n", flush=True)


def _timeline(run: Run) -> Iterator[str]:
    yield f"{run.images:,} images in {run.wall:.1f} s, {sum(run.cpu.values()):.1f} s of CPU:"
    yield "| second | what |"
    yield "| --- | --- |"
    for what, at in sorted(run.moments.items(), key=lambda moment: moment[1]):
        if what != "start":
            yield f"| {at:.1f} | {what} |"
    yield ""
    yield "| s of CPU | what |"
    yield "| --- | --- |"
    for what, seconds in sorted(run.cpu.items(), key=lambda found: -found[1]):
        yield f"| {seconds:.1f} | {what} |"


def _costs(small: Run, large: Run) -> Iterator[str]:
    more = large.images - small.images
    cost: dict[str, float] = defaultdict(float)
    for what in {*small.cpu, *large.cpu}:
        seconds = large.cpu.get(what, 0.0) - small.cpu.get(what, 0.0)
        cost[what] = 1000 * seconds / more
    wall = 1000 * (large.wall - small.wall) / more
    # What the cores could have done in that time: a share of it does not depend on how fast they
    # were just then, and that of the forward pass is how near the job comes to it alone.
    cores = (os.cpu_count() or 1) * wall
    cost["idle, or another's"] = cores - sum(cost.values())
    yield f"{wall:.2f} ms an image on {os.cpu_count()} cores:"
    yield "| step | ms of CPU an image | of the cores' time |"
    yield "| --- | --- | --- |"
    for what, each in sorted(cost.items(), key=lambda found: -found[1]):
        yield f"| {what} | {each:.2f} | {each / cores:.1%} |"


if __name__ == "__main__":
    main()
