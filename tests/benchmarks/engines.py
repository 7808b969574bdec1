"""`python -m tests.benchmarks.engines`: the same frozen graph in other engines, on the same images.

Wants `pip install openvino onnxruntime tf2onnx onnx`. Each engine runs in as many processes of one
thread as there are cores, as the job does it, with the graph that the job runs, two and eight
images a forward pass. Printed: images per second of CPU of a core, as other load counts for less in
it, forward alone and with decode and resize; and how near the features are.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

import click
import numpy as np

from job.features.backbones import backbone
from job.features.graph import INPUT, OUTPUT, frozen_graph
from job.features.network import Network, NetworkSpec, network
from job.features.weights import WeightsFile, resolve_weights
from job.images.decode import DecodeRules, decode
from tests.benchmarks.limits import BATCH

Images = np.ndarray[Any, np.dtype[np.uint8]]
Features = np.ndarray[Any, np.dtype[np.float32]]
Forward = Callable[[Images], Features]

SAMPLE = Path(__file__).parents[2] / "examples" / "images"
RULES = DecodeRules(224, 224)
IMAGES_A_PASS = (2, BATCH)
_NAME = "mobilenet_v2"


def tensorflow_forward(weights: WeightsFile) -> Forward:
    """What the job runs."""
    spec = NetworkSpec(_NAME, weights.path, weights.tensors_sha256, threads=1, batch_size=BATCH)
    return network(spec).features


def openvino_forward(weights: WeightsFile) -> Forward:
    """OpenVINO's own reader of frozen graphs."""
    import openvino

    with tempfile.NamedTemporaryFile(suffix=".pb") as file:
        file.write(_graph(weights))
        file.flush()
        model = openvino.convert_model(file.name)
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    return lambda images: compiled(images)[0]


def onnxruntime_forward(weights: WeightsFile) -> Forward:
    """ONNX Runtime, from tf2onnx."""
    import onnxruntime
    import tensorflow as tf
    import tf2onnx

    definition = tf.compat.v1.GraphDef.FromString(_graph(weights))
    model, _ = tf2onnx.convert.from_graph_def(
        definition, input_names=[INPUT], output_names=[OUTPUT], opset=17
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda images: session.run([OUTPUT], {INPUT: images})[0]


ENGINES = {
    "TensorFlow": tensorflow_forward,
    "OpenVINO": openvino_forward,
    "ONNX Runtime": onnxruntime_forward,
}


@dataclass(frozen=True)
class Measured:
    """Images per second of CPU, and features of the first images."""

    forward: float
    decode_and_forward: float
    features: Features


@click.command(help=__doc__)
@click.option("--seconds", default=10.0, show_default=True)
@click.option("--rounds", default=2, show_default=True, help="One engine after the other, again.")
def main(seconds: float, rounds: int) -> None:
    """Print a row for each engine and round."""
    files = sorted(path for path in SAMPLE.rglob("*") if path.is_file())
    contents = [file.read_bytes() for file in files]
    expected = None
    click.echo("| engine | a pass | forward | with decode and resize | cosine | difference |")
    click.echo("| --- | --- | --- | --- | --- | --- |")
    for _ in range(rounds):
        for name, images in product(ENGINES, IMAGES_A_PASS):
            processes = _measure(name, images, contents, seconds)
            expected = processes[0].features if expected is None else expected
            click.echo(f"| {name} | {images} | {_row(processes, expected)} |")


def _measure(name: str, images: int, contents: list[bytes], seconds: float) -> list[Measured]:
    cores = os.cpu_count() or 1
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        return pool.starmap(_measured, [(name, images, contents, seconds)] * cores, chunksize=1)


def _measured(name: str, images: int, contents: list[bytes], seconds: float) -> Measured:
    forward = Network(ENGINES[name](resolve_weights(backbone(_NAME))), images).features
    first = np.stack([decode(data, RULES) for data in contents[:BATCH]])
    features = forward(first)

    def whole(start: int) -> None:
        forward(np.stack([decode(data, RULES) for data in contents[start : start + BATCH]]))

    return Measured(
        _rate(lambda _: forward(first), len(contents), seconds),
        _rate(whole, len(contents), seconds),
        np.array(features),
    )


def _rate(batch: Callable[[int], Any], images: int, least_seconds: float) -> float:
    """Images per second of CPU of `batch`, which is told at which image it begins."""
    started, done = time.process_time(), 0
    while (seconds := time.process_time() - started) < least_seconds:
        batch(done % (images - BATCH))
        done += BATCH
    return done / seconds


def _row(processes: list[Measured], expected: Features) -> str:
    forward = fmean(each.forward for each in processes)
    whole = fmean(each.decode_and_forward for each in processes)
    features = processes[0].features
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(expected, axis=1)
    cosine = ((features * expected).sum(axis=1) / lengths).min()
    difference = np.abs(features - expected).max()
    return f"{forward:.1f} | {whole:.1f} | {cosine:.6f} | {difference:.1e}"


def _graph(weights: WeightsFile) -> bytes:
    return frozen_graph(backbone(_NAME), weights.path, weights.tensors_sha256, "f32")


if __name__ == "__main__":
    main()
