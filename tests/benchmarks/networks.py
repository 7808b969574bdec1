"""The network alone: ONNX Runtime as the job runs it, TensorFlow as 3e824d8 ran it, and OpenVINO.

Each engine runs in as many processes of one thread as there are cores, all at the same time, as
tasks do. Engines take turns. OpenVINO takes part if it is installed: pip install openvino. The
weights of all backbones but MobileNetV2 are random.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import click

from job.features.backbones import BACKBONES, Backbone, backbone
from job.features.models import resolve_model
from job.resources import weights_folder
from tests.support.job_process import CHECKOUT
from tests.support.releases import EARLIER_REVISION, release_of

BATCH_SIZES = (1, 2, 8)

# Prints images per second by batch size, seconds to the first result, and memory in MiB.
_MEASURE = """
import json, resource, sys, time
import numpy as np

name, file, sha256, shape, sizes, seconds = json.loads(sys.argv[1])
started = time.perf_counter()
{load}
images = np.random.default_rng(0).integers(0, 256, (max(sizes), *shape, 3), dtype=np.uint8)
forward(images[:1])
start = time.perf_counter() - started
done, spent = dict.fromkeys(sizes, 0), dict.fromkeys(sizes, 0.0)
while sum(spent.values()) < seconds:
    for size in sizes:
        turn = time.perf_counter()
        while (passed := time.perf_counter() - turn) < 0.7:
            forward(images[:size])
            done[size] += size
        spent[size] += passed
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
rates = {{size: done[size] / spent[size] for size in sizes}}
print(json.dumps({{"start": start, "memory": memory, "rates": rates}}))
"""

_LOAD = {
    "ONNX Runtime": """
from job.features.network import NetworkSpec, network
forward = network(NetworkSpec(file, sha256, threads=1, batch_size=max(sizes))).features
""",
    "TensorFlow": """
from job.features.network import NetworkSpec, network
spec = NetworkSpec(name, file, sha256, threads=1, batch_size=max(sizes))
forward = network(spec).features
""",
    "OpenVINO": """
import openvino
settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
compiled = openvino.Core().compile_model(file, "CPU", settings)
forward = lambda images: compiled(images)[0]
""",
}


@dataclass(frozen=True)
class Measured:
    """Images per second of all processes by batch size; start in s and memory in MiB of one."""

    rates: dict[int, float]
    start: float
    memory: float


@click.command(help=__doc__)
@click.option("--backbone", "names", multiple=True, default=list(BACKBONES), show_default=True)
@click.option("--seconds", default=10.0, show_default=True, help="Per engine and round.")
@click.option("--rounds", default=3, show_default=True)
def main(names: tuple[str, ...], seconds: float, rounds: int) -> None:
    """Print a row per backbone and engine: the median of the rounds."""
    engines = [name for name in _LOAD if name != "OpenVINO" or find_spec("openvino")]
    click.echo("| backbone | engine | images/s at 1, 2, 8 a pass | start s | memory MiB |")
    click.echo("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        earlier = release_of(EARLIER_REVISION, Path(folder) / "earlier").root
        for name in names:
            files = _files(backbone(name), Path(folder))
            measured: dict[str, list[Measured]] = {engine: [] for engine in engines}
            for _ in range(rounds):
                for engine in engines:
                    root = earlier if engine == "TensorFlow" else CHECKOUT
                    file, sha256 = files["TensorFlow" if engine == "TensorFlow" else "ONNX"]
                    shape = backbone(name).input_size
                    arguments = [name, file, sha256, shape, BATCH_SIZES, seconds]
                    measured[engine].append(_measure(engine, root, arguments))
            for engine, results in measured.items():
                click.echo(f"| {name} | {engine} | {_row(results)} |")


def _files(chosen: Backbone, folder: Path) -> dict[str, tuple[str, str]]:
    """The weights file with the hash of its tensors, and the ONNX file with its sha256."""
    weights = weights_folder() / f"{chosen.name}.weights.h5"
    if not weights.is_file():
        weights = folder / weights.name
        subprocess.run([sys.executable, "-c", _SAVE, chosen.name, str(weights)], check=True)
    model = resolve_model(chosen, str(weights))
    onnx = folder / f"{chosen.name}.onnx"
    onnx.write_bytes(model.content)
    return {
        "TensorFlow": (str(weights), model.tensors_sha256),
        "ONNX": (str(onnx), model.sha256),
    }


_SAVE = """
import sys
from job.features.backbones import backbone
from job.features.keras_models import build
build(backbone(sys.argv[1])).save_weights(sys.argv[2])
"""


def _measure(engine: str, root: Path, arguments: list[object]) -> Measured:
    program = _MEASURE.format(load=_LOAD[engine])
    command = [sys.executable, "-c", program, json.dumps(arguments)]
    environment = {**os.environ, "PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    processes = [
        subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE)
        for _ in range(os.cpu_count() or 1)
    ]
    results = [json.loads(process.communicate()[0]) for process in processes]
    return Measured(
        {size: sum(result["rates"][str(size)] for result in results) for size in BATCH_SIZES},
        max(result["start"] for result in results),
        max(result["memory"] for result in results),
    )


def _row(results: list[Measured]) -> str:
    rates = [median(result.rates[size] for result in results) for size in BATCH_SIZES]
    start, memory = (median(getattr(r, name) for r in results) for name in ("start", "memory"))
    return f"{', '.join(f'{rate:.1f}' for rate in rates)} | {start:.2f} | {memory:.0f}"


if __name__ == "__main__":
    main()
