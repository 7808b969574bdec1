"""The parent of Python workers that count what they do; named by spark.python.daemon.module.

In the folder of COUNTS each worker notes the images that go through its network, and each network
that it builds. SLOWED may be one of SLOWED's names: what a mistake would do, so that one can see
that it is found.
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
    """Images through the network, and by worker process the networks that it has built."""
    built = {file.name: len(file.read_text().split()) for file in (folder / "built").iterdir()}
    # Each network is tried on one black image.
    return images_through_network(folder / "images") - sum(built.values()), built


def environment(folder: Path, slowed: str) -> dict[str, str]:
    """What the JVM of these workers has to be started with."""
    for name in ("images", "built"):
        (folder / name).mkdir()
    root = Path(__file__).parents[2]
    return {"COUNTS": str(folder), "SLOWED": slowed, "PYTHONPATH": str(root)}


def _nothing() -> None:
    """The job as it is."""


def _reload() -> None:
    """A network for each task."""

    def forget(spec: Any) -> Any:
        network._network.cache_clear()
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


def _for_each_task(changed: Callable[[Any], Any]) -> None:
    """Ask `changed` for the WorkerSpec that a task reads its images with."""
    # Not before `main` has made sure where pyspark comes from.
    from job.features import worker

    fetched = worker._fetched
    worker._fetched = lambda batches, spec: fetched(batches, changed(spec))


SLOWED = {"": _nothing, "reload": _reload, "twice": _twice, "sequential": _sequential}


def count() -> None:
    """Put counters around the real calls, in this process and those that it forks."""
    folder = Path(os.environ["COUNTS"])
    network.Network.features = noting(folder / "images")  # type: ignore[method-assign]
    graph = network._graph

    def noted(chosen: Any, spec: network.NetworkSpec) -> Any:
        with (folder / "built" / str(os.getpid())).open("a") as file:
            file.write("1\n")
        return graph(chosen, spec)

    network._graph = noted


def main() -> None:
    """Serve as the job's daemon does."""
    worker_daemon.prefer_installed_pyspark()
    count()
    SLOWED[os.environ["SLOWED"]]()
    worker_daemon.main()


if __name__ == "__main__":
    main()
