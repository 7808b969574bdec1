"""Images per second of the frozen graph alone, and what its start is made of.

Usage: python -m tests.benchmarks.forward [FOLDER_OF_IMAGES]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from job.features.backbones import backbone
from job.features.network import NetworkSpec, network
from job.features.weights import resolve_weights
from tests.support.new_process import in_new_process

Images = np.ndarray[Any, np.dtype[np.uint8]]

SAMPLE = Path(__file__).parents[2] / "examples" / "images"
BATCH_SIZES = (8, 16, 32, 64)
SECONDS = 5.0


def forward_rate(threads: int, batch_size: int, images: Images) -> float:
    """Images per second on uint8 (n, 224, 224, 3) in memory, over five seconds.

    In a process of its own: TensorFlow takes the number of threads once in a process.
    """
    return in_new_process(_forward_rate, threads, batch_size, images)


def startup_seconds() -> dict[str, float]:
    """Seconds of each step from a new Python process to the first features."""
    return in_new_process(_startup_seconds)


def load_images(folder: Path, count: int = 128) -> Images:
    """The first images under `folder`, resized: uint8 (count, 224, 224, 3)."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())[:count]
    resized = [Image.open(file).convert("RGB").resize((224, 224)) for file in files]
    return np.stack([np.asarray(image) for image in resized])


def _spec(threads: int, batch_size: int) -> NetworkSpec:
    weights = resolve_weights(backbone("mobilenet_v2"))
    return NetworkSpec("mobilenet_v2", weights.path, weights.tensors_sha256, threads, batch_size)


def _forward_rate(threads: int, batch_size: int, images: Images) -> float:
    built = network(_spec(threads, batch_size))
    batches = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
    built.features(batches[0])
    started, done = time.perf_counter(), 0
    while (seconds := time.perf_counter() - started) < SECONDS:
        for batch in batches:
            built.features(batch)
        done += len(images)
    return done / seconds


def _startup_seconds() -> dict[str, float]:
    from job.features import network as module
    from job.features import tensorflow_import

    seconds: dict[str, float] = {}
    with _timed(seconds, "resolve weights"):
        spec = _spec(1, 32)
    with _timed(seconds, "import tensorflow"):
        tensorflow_import.tensorflow()
    chosen = backbone(spec.backbone)
    with _timed(seconds, "build"):
        model = chosen.build()
    with _timed(seconds, "load"):
        module.load_weights(model, chosen, spec.weights)
    with _timed(seconds, "hash"):
        module.tensors_sha256(model)
    with _timed(seconds, "fold"):
        module.fold_batch_norms(model)
    with _timed(seconds, "trace and freeze"):
        graph = module._frozen(model, chosen)
    with _timed(seconds, "first call, 1 image"):
        graph(tensorflow_import.tensorflow().zeros((1, *chosen.input_size, 3), "uint8"))
    return seconds


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - started


def main(folder: str = str(SAMPLE)) -> None:
    """Print both."""
    for step, seconds in startup_seconds().items():
        print(f"{step:20s} {seconds:6.2f} s")
    images = load_images(Path(folder))
    for threads in (1, 2):
        for batch_size in BATCH_SIZES:
            rate = forward_rate(threads, batch_size, images)
            print(f"{threads} threads, batch {batch_size:2d}: {rate:6.1f} images/s")


if __name__ == "__main__":
    main(*sys.argv[1:])
