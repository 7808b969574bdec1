"""Who is compared: the job and its peers, each with its command and the settings it gets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.storage import Storage

# `make bench-peers` fills it from requirements.txt: these packages are not ours.
PEERS_PYTHON = Path(".cache") / "peers-venv" / "bin" / "python"

# Largest distance of an image's features from the job's, as a share of their length.
# Peers resize with Pillow, the job within 2 of 255 of it: a cosine of 0.9999, so 1.4e-2.
OTHER_RESIZE = 2e-2
# A decoder of its own: pixels of a JPEG differ by a quarter of a grey level in the mean.
OTHER_DECODER = 0.1


@dataclass(frozen=True)
class Peer:
    """One way to get features; `whole` are those that also fit a PCA and write what it gives."""

    name: str
    command: Callable[[Storage], list[str]]
    settings: str
    whole: bool = False
    tolerance: float = OTHER_RESIZE


def _job(subcommand: str) -> Callable[[Storage], list[str]]:
    def command(place: Storage) -> list[str]:
        paths = ["--input", place.input_path, "--output", place.output_path]
        conf = [f"--conf={key}={value}" for key, value in place.settings.items()]
        return [sys.executable, "-m", "job", subcommand, *paths, *conf]

    return command


def _spark(module: str, *more: str) -> Callable[[Storage], list[str]]:
    def command(place: Storage) -> list[str]:
        paths = [place.input_path, place.output_path]
        return [sys.executable, "-m", f"tests.benchmarks.peers.{module}", *paths, *more]

    return command


def _python(module: str) -> Callable[[Storage], list[str]]:
    def command(place: Storage) -> list[str]:
        paths = [path.replace("s3a://", "s3://") for path in (place.input_path, place.output_path)]
        return [str(PEERS_PYTHON), "-m", f"tests.benchmarks.peers.{module}", *paths]

    return command


PEERS = {
    peer.name: peer
    for peer in [
        Peer("job", _job("featurize"), "`image-features featurize`, its defaults"),
        Peer("job, whole", _job("run"), "`image-features run`, its defaults", whole=True),
        Peer(
            "notebook",
            _spark("notebook", "--single-pass"),
            "binaryFile, 20 partitions, weights by broadcast, `predict` in a pandas iterator UDF, "
            "one write",
        ),
        Peer(
            "notebook, whole",
            _spark("notebook"),
            "the same with show, scaler, PCA and two writes, nothing cached",
            whole=True,
        ),
        Peer(
            "ray",
            _python("ray_data"),
            "`read_images`, resize beside it, an actor for each core with half of it reserved, "
            "one thread of TensorFlow each, batches of 32, `predict_on_batch`",
        ),
        Peer(
            "daft",
            _python("daft_udf"),
            "native `download` and `decode_image` by 256 rows, a class UDF with a process for each "
            "core, one thread of TensorFlow each, batches of 32, `predict_on_batch`",
            tolerance=OTHER_DECODER,
        ),
        Peer(
            "batch-udf",
            _spark("batch_udf"),
            "`predict_batch_udf`, whole tasks (openCostInBytes 64 kB), 256 rows an Arrow batch, "
            "batches of 32, one thread of TensorFlow each, magic committer",
        ),
    ]
}
