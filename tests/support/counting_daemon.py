"""The parent of Python workers that count their work, for `spark.python.daemon.module`.

Each worker writes to the folder COUNTS how many images its network gets, and each network that it
builds. The variable SLOWED may name a change of `SLOWED`, which slows the job as a mistake would,
to show that tests detect it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from job.features import network
from job.runtime import worker_daemon
from tests.support.network_counter import images_through_network, noting

MODULE = "tests.support.counting_daemon"


def counts(folder: Path) -> tuple[int, dict[str, int]]:
    """Number of images through the network, and number of built networks by worker process."""
    built = {file.name: len(file.read_text().split()) for file in (folder / "built").iterdir()}
    return images_through_network(folder / "images"), built


def environment(folder: Path, slowed: str) -> dict[str, str]:
    """The environment for the JVM of these workers."""
    for name in ("images", "built"):
        (folder / name).mkdir()
    root = Path(__file__).parents[2]
    return {"COUNTS": str(folder), "SLOWED": slowed, "PYTHONPATH": str(root)}


def _nothing() -> None:
    """The unchanged job."""


def _reload() -> None:
    """A new network for each task."""

    def forget(spec: Any) -> Any:
        network.network.cache_clear()
        return spec

    _for_each_task(forget)


def _twice() -> None:
    """Two forward passes for each image."""
    features = network.Network.features

    def twice(self: network.Network, batch: Any) -> Any:
        features(self, batch)
        return features(self, batch)

    network.Network.features = twice  # type: ignore[method-assign]


def _sequential() -> None:
    """One request at a time."""
    _for_each_task(lambda spec: replace(spec, limits=replace(spec.limits, in_flight=1)))


def _for_each_task(change: Callable[[Any], Any]) -> None:
    """Apply `change` to the WorkerSpec with which a task reads its images."""
    # A late import: `main` first removes archives from sys.path.
    from job.features import worker

    fetched = worker._fetched
    worker._fetched = lambda batches, spec: fetched(batches, change(spec))


SLOWED = {"": _nothing, "reload": _reload, "twice": _twice, "sequential": _sequential}


def count() -> None:
    """Wrap the real calls with counters, in this process and its forks."""
    folder = Path(os.environ["COUNTS"])
    network.Network.features = noting(folder / "images")  # type: ignore[method-assign]
    load = network._load

    def noted(model: bytes, threads: int) -> Any:
        with (folder / "built" / str(os.getpid())).open("a") as file:
            file.write("1\n")
        return load(model, threads)

    network._load = noted


def main() -> None:
    """Fork workers like the daemon of the job."""
    worker_daemon.prefer_installed_pyspark()
    count()
    SLOWED[os.environ["SLOWED"]]()
    worker_daemon.main()


if __name__ == "__main__":
    main()
