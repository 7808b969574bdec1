"""Counts the images that go through the network, in every process of a run, for the tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")


def counting(function: Callable[[T], Iterator[T]], folder: Path) -> Callable[[T], Iterator[T]]:
    """`function` for mapInArrow, such that each worker notes in `folder` what its network is fed.

    Wrap what featurizer() returns; a retry or a second run of the plan is noted again.
    """

    def counted(batches: T) -> Iterator[T]:
        from job.features.network import Network

        with mock.patch.object(Network, "features", noting(folder)):
            yield from function(batches)

    return counted


def noting(folder: Path) -> Callable[[Any, Any], Any]:
    """`Network.features` as it is now, which also notes how many images it is fed."""
    from job.features.network import Network

    features = Network.features

    def noted(network: Network, batch: Any) -> Any:
        with (folder / str(os.getpid())).open("a") as file:
            file.write(f"{len(batch)}\n")
        return features(network, batch)

    return noted


def images_through_network(folder: Path) -> int:
    """The sum over all processes; an image that is fed twice counts twice."""
    return sum(int(count) for file in folder.iterdir() for count in file.read_text().split())
