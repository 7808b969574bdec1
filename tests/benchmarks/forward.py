"""The frozen graph alone: its start, images/s in each precision, how near bf16 comes to f32.

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

from job.errors import InvalidValueError
from job.features.backbones import backbone
from job.features.network import NetworkSpec, network
from job.features.precision import require_precision
from job.features.weights import resolve_weights
from tests.support.new_process import in_new_process

Images = np.ndarray[Any, np.dtype[np.uint8]]

SAMPLE = Path(__file__).parents[2] / "examples" / "images"
BATCH_SIZES = (1, 2, 4, 8, 16, 32)
SECONDS = 40.0
_TURN_SECONDS = 0.7
MOST_IMAGES = 1200


def forward_rates(threads: int, images: Images, precision: str = "f32") -> dict[int, float]:
    """Images per second on uint8 (n, 224, 224, 3) in memory, for each of BATCH_SIZES.

    In turns, so that other load meets all of them; in a process of its own: TensorFlow takes the
    number of threads once in a process.
    """
    return in_new_process(_forward_rates, threads, images, precision)


def cosines(images: Images) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Of the features in bf16 to those in f32, for each of the images: float32 (n,)."""
    exact, rounded = (in_new_process(_features, images, each) for each in ("f32", "bf16"))
    lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(rounded, axis=1)
    found: np.ndarray[Any, np.dtype[np.float32]] = (exact * rounded).sum(axis=1) / lengths
    return found


def startup_seconds() -> dict[str, float]:
    """Seconds of each step from a new Python process to the first features."""
    return in_new_process(_startup_seconds)


def load_images(folder: Path, count: int) -> Images:
    """Up to `count` of the images under `folder`, of all its parts: uint8 (n, 224, 224, 3)."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    files = files[:: -(-len(files) // count)]
    resized = [Image.open(file).convert("RGB").resize((224, 224)) for file in files]
    return np.stack([np.asarray(image) for image in resized])


def _spec(threads: int, batch_size: int, precision: str = "f32") -> NetworkSpec:
    weights = resolve_weights(backbone("mobilenet_v2"))
    return NetworkSpec(
        "mobilenet_v2", weights.path, weights.tensors_sha256, threads, batch_size, precision
    )


def _forward_rates(threads: int, images: Images, precision: str) -> dict[int, float]:
    built = network(_spec(threads, max(BATCH_SIZES), precision))
    batches = {size: images[:size] for size in BATCH_SIZES}
    for batch in batches.values():
        built.features(batch)
    done, seconds = dict.fromkeys(BATCH_SIZES, 0), dict.fromkeys(BATCH_SIZES, 0.0)
    while sum(seconds.values()) < SECONDS:
        for size, batch in batches.items():
            started = time.perf_counter()
            while (passed := time.perf_counter() - started) < _TURN_SECONDS:
                built.features(batch)
                done[size] += size
            seconds[size] += passed
    return {size: done[size] / seconds[size] for size in BATCH_SIZES}


def _features(images: Images, precision: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    return network(_spec(2, 8, precision)).features(images)


def _startup_seconds() -> dict[str, float]:
    from job.features import batch_norm_folding, graph, tensorflow_import, weights

    seconds: dict[str, float] = {}
    with _timed(seconds, "resolve weights"):
        spec = _spec(1, 32)
    with _timed(seconds, "import tensorflow"):
        tensorflow_import.tensorflow()
    chosen = backbone(spec.backbone)
    with _timed(seconds, "import keras"):
        tensorflow_import.keras()
    with _timed(seconds, "build"):
        model = chosen.build()
    with _timed(seconds, "load"):
        weights.load_weights(model, chosen, spec.weights)
    with _timed(seconds, "hash"):
        weights.tensors_sha256(model)
    with _timed(seconds, "fold"):
        batch_norm_folding.fold_batch_norms(model)
    with _timed(seconds, "trace and freeze"):
        frozen = graph.freeze(model, chosen).SerializeToString()
    with _timed(seconds, "function of the graph"):
        function = graph.load_graph(frozen, 1)
    with _timed(seconds, "first call, 1 image"):
        function(np.zeros((1, *chosen.input_size, 3), np.uint8))
    return seconds


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - started


def main(folder: str = str(SAMPLE)) -> None:
    """Print all of it; bf16 where the CPU has it."""
    for step, seconds in startup_seconds().items():
        print(f"{step:21s} {seconds:6.2f} s")
    images, precisions = load_images(Path(folder), MOST_IMAGES), list(_precisions())
    if "bf16" in precisions:
        near = cosines(images)
        spread = f"{near.min():.4f} to {near.max():.4f}, {near.mean():.4f} on average"
        print(f"bf16 to f32, {len(near)} images: cosine {spread}")
    images = images[:: max(1, len(images) // max(BATCH_SIZES))]
    for precision in precisions:
        for threads in (1, 2):
            for size, rate in forward_rates(threads, images, precision).items():
                print(f"{precision}, {threads} threads, batch {size:2d}: {rate:6.1f} images/s")


def _precisions() -> Iterator[str]:
    yield "f32"
    try:
        require_precision("bf16")
    except InvalidValueError as error:
        print(error)
    else:
        yield "bf16"


if __name__ == "__main__":
    main(*sys.argv[1:])
