"""Counts the images that go through the network, in all processes of a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")


def counting(function: Callable[[T], Iterator[T]], folder: Path) -> Callable[[T], Iterator[T]]:
    """`function` for mapInArrow, with workers that write the counts of their network to `folder`.

    Wrap the result of featurizer(). A retry, or a second run of the plan, counts again.
    """

    def counted(batches: T) -> Iterator[T]:
        from job.features.network import Network

        with mock.patch.object(Network, "features", noting(folder)):
            yield from function(batches)

    return counted


def noting(folder: Path) -> Callable[[Any, Any], Any]:
    """The current `Network.features`, which also writes the number of its images to `folder`."""
    from job.features.network import Network

    features = Network.features

    def noted(network: Network, batch: Any) -> Any:
        with (folder / str(os.getpid())).open("a") as file:
            file.write(f"{len(batch)}\n")
        return features(network, batch)

    return noted


def images_through_network(folder: Path) -> int:
    """The sum over all processes; an image that goes through the network twice counts twice."""
    return sum(int(count) for file in folder.iterdir() for count in file.read_text().split())
