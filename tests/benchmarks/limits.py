"""The limits of this machine: the frozen graph alone, and with decode and resize before it."""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from job.features.backbones import backbone
from job.features.network import Network, NetworkSpec, network
from job.features.weights import resolve_weights
from job.images.decode import DecodeRules, decode

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


def limits(images: list[Path], processes: int) -> Limits:
    """Measure both with as many processes of one thread as the job has task slots, at once.

    `images` are read into memory first; each figure is over at least ten seconds.
    """
    contents = [path.read_bytes() for path in images[:1024]]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        rates = pool.map(_measure, [contents] * processes, chunksize=1)
    return Limits(
        sum(rate.forward for rate in rates), sum(rate.decode_and_forward for rate in rates)
    )


def _measure(contents: list[bytes]) -> Limits:
    weights = resolve_weights(backbone("mobilenet_v2"), None)
    spec = NetworkSpec(
        "mobilenet_v2", str(weights.path), weights.tensors_sha256, threads=1, batch_size=BATCH
    )
    model = network(spec)
    rules = DecodeRules(224, 224, exif_rotate=False, max_pixels=50_000_000)
    batch = np.stack([decode(data, rules) for data in contents[:BATCH]])
    model.features(batch)
    return Limits(_forward(model, batch), _decode_and_forward(model, contents, rules))


def _forward(model: Network, batch: np.ndarray) -> float:
    started, done = time.perf_counter(), 0
    while (seconds := time.perf_counter() - started) < SECONDS:
        model.features(batch)
        done += len(batch)
    return done / seconds


def _decode_and_forward(model: Network, contents: list[bytes], rules: DecodeRules) -> float:
    started, done = time.perf_counter(), 0
    while (seconds := time.perf_counter() - started) < SECONDS:
        first = done % (len(contents) - BATCH)
        model.features(np.stack([decode(data, rules) for data in contents[first : first + BATCH]]))
        done += BATCH
    return done / seconds
