"""The limits of this machine: the network alone, and with decode and resize before it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from job.features.network import default_batch_size, network
from job.images.decode import DecodeRules, decode
from tests.support.networks import shipped_spec

# Decoded one after the other, as the job's worker does.
BATCH = 8
SECONDS = 10.0


@dataclass(frozen=True)
class Limits:
    """Images per second of all processes together."""

    forward: float
    decode_and_forward: float

    def mean(self, other: Limits) -> Limits:
        """Halfway between the two."""
        return Limits(
            (self.forward + other.forward) / 2,
            (self.decode_and_forward + other.decode_and_forward) / 2,
        )


def limits(images: list[Path], processes: int, seconds: float = SECONDS) -> Limits:
    """Measure both with as many processes of one thread as the job has task slots, at once.

    `images` are read into memory first; each figure is over at least `seconds`.
    """
    contents = [path.read_bytes() for path in images[:1024]]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        rates = pool.starmap(_measure, [(contents, seconds)] * processes, chunksize=1)
    return Limits(
        sum(rate.forward for rate in rates), sum(rate.decode_and_forward for rate in rates)
    )


def _measure(contents: list[bytes], seconds: float) -> Limits:
    model = network(shipped_spec(batch_size=default_batch_size(1)))
    rules = DecodeRules(224, 224, exif_rotate=False, max_pixels=50_000_000)
    batch = np.stack([decode(data, rules) for data in contents[:BATCH]])
    model.features(batch)

    def forward(_first: int) -> None:
        model.features(batch)

    def decode_and_forward(first: int) -> None:
        rgb = [decode(data, rules) for data in contents[first : first + BATCH]]
        model.features(np.stack(rgb))

    return Limits(
        _rate(forward, len(contents), seconds), _rate(decode_and_forward, len(contents), seconds)
    )


def _rate(batch: Callable[[int], None], images: int, least_seconds: float) -> float:
    """Images per second of `batch`, which is told at which image it begins."""
    started, done = time.perf_counter(), 0
    while (seconds := time.perf_counter() - started) < least_seconds:
        batch(done % (images - BATCH))
        done += BATCH
    return done / seconds
