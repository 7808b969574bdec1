"""The job's own daemon of Python workers, whose workers count the CPU of each of their steps.

Named by spark.python.daemon.module. At the end of each task a worker writes what it counted so far
as JSON into PROFILE_FOLDER: CPU seconds by step, images, and the moments (seconds since the epoch)
at which it first had the network and features.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

FOLDER_VARIABLE = "PROFILE_FOLDER"
FORWARD, REST = "forward", "Spark's Python and all else"
REQUEST = "request"
_TICKS = os.sysconf("SC_CLK_TCK")

_seconds: dict[str, float] = defaultdict(float)
_moments: dict[str, float] = {}
_inside: list[float] = []
_images = 0


def count() -> None:
    """Put counters around the real calls, in this process and those that it forks."""
    from job.features import network, worker
    from job.images import decode

    for module, name, step in [
        (decode, "as_rgb", "decode"),
        (decode, "_resize_to_input", "resize"),
        # What is left of it: opening the image, and finding out what it is.
        (worker, "decode", "decode"),
        (worker, "_listed_image", "rows from Java"),
        (worker, "_features_column", "stack, and features as bytes"),
        (worker, "_outcome_batch", "Arrow batch"),
        (network.Network, "features", FORWARD),
    ]:
        setattr(module, name, _timed(step, getattr(module, name)))
    network._load = _first("network", _timed("loading the network", network._load))
    worker._outcome_batch = _first("features", worker._outcome_batch)
    worker._fetched = _each_timed("taking what arrived", worker._fetched)
    worker.coalesce_batches = _written_down(worker.coalesce_batches)


@contextmanager
def _step(step: str) -> Iterator[None]:
    """CPU of this thread counts for `step`, but for that of steps inside it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    started = time.thread_time()
    _inside.append(0.0)
    try:
        yield
    finally:
        spent = time.thread_time() - started
        _seconds[step] += spent - _inside.pop()
        if _inside:
            _inside[-1] += spent


def _timed(step: str, function: Callable[..., T]) -> Callable[..., T]:
    def timed(*arguments: Any) -> T:
        with _step(step):
            return function(*arguments)

    return timed


def _each_timed(step: str, function: Callable[..., Iterator[T]]) -> Callable[..., Iterator[T]]:
    def timed(*arguments: Any) -> Iterator[T]:
        items = iter(function(*arguments))
        while True:
            with _step(step):
                item = next(items, None)
            if item is None:
                return
            yield item

    return timed


def _first(what: str, function: Callable[..., T]) -> Callable[..., T]:
    def noted(*arguments: Any) -> T:
        result = function(*arguments)
        _moments.setdefault(what, time.time())
        return result

    return noted


def _written_down(joined: Callable[..., Iterable[Any]]) -> Callable[..., Iterable[Any]]:
    def counted(batches: Iterable[Any]) -> Iterable[Any]:
        global _images
        try:
            for batch in joined(batches):
                _images += batch.num_rows
                yield batch
        finally:
            _write()

    return counted


def _write() -> None:
    threads = _by_thread()
    main = threads.pop("main")
    # Requests, and with more than one core a task the other threads of ONNX Runtime.
    beside = time.process_time() - main
    steps = {**_seconds, REST: main - sum(_seconds.values()), REQUEST: beside}
    written = {"seconds": steps, "threads": threads, "images": _images, "moments": _moments}
    place = Path(os.environ[FOLDER_VARIABLE]) / f"{os.getpid()}.json"
    place.write_text(json.dumps(written))


def _by_thread() -> dict[str, float]:
    """CPU seconds of the threads of this process by name; "main" is the task's."""
    found: dict[str, float] = defaultdict(float)
    for thread in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            name, _, rest = (thread / "stat").read_text().partition("(")[2].rpartition(")")
            fields = rest.split()
            seconds = (int(fields[11]) + int(fields[12])) / _TICKS
            found["main" if int(thread.name) == os.getpid() else name] += seconds
    return found


if __name__ == "__main__":
    from job.runtime.worker_daemon import main, prefer_installed_pyspark

    prefer_installed_pyspark()
    count()
    main()
