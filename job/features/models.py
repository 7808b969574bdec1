"""The ONNX model of a backbone on the driver: the shipped one, or one made from a weights file."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from job.errors import WeightsError
from job.features.backbones import Backbone
from job.features.model_cache import cached
from job.resources import weights_folder


@dataclass(frozen=True)
class Model:
    """An ONNX model: uint8 (n, height, width, 3) to float32 (n, d).

    `tensors_sha256` is the hash of the Keras tensors it was made from (keras_models).
    """

    content: bytes
    sha256: str
    tensors_sha256: str


def resolve_model(backbone: Backbone, weights: str | None = None) -> Model:
    """The model of `backbone` with the tensors of the Keras file `weights`, or the shipped model.

    A Keras file is converted once per machine, in a process with TensorFlow. Raises WeightsError
    for a file that is missing, damaged or of another network.
    """
    if weights is None:
        return _shipped_model(backbone)
    path = Path(weights).absolute()
    if not path.is_file():
        raise WeightsError(
            f"weights file {path} does not exist",
            expected=f"a Keras weights file of {backbone.name}",
            fix="check --weights, or leave it out to use the shipped file",
        )
    return _converted_model(backbone, path)


def convert(backbone: Backbone, weights: str) -> tuple[bytes, str]:
    """The ONNX model with the tensors of a Keras file, and tensors_sha256; imports TensorFlow."""
    from job.features import keras_models

    model = keras_models.build(backbone)
    keras_models.load_weights(model, backbone, weights)
    return keras_models.to_onnx(model, backbone), keras_models.tensors_sha256(model)


def write_model(folder: Path, backbone: Backbone, weights: Path, origin: str, licence: str) -> Path:
    """Convert a Keras file to NAME.onnx in `folder`, and write NAME.json; returns NAME.onnx."""
    content, tensors_sha256 = convert(backbone, str(weights))
    file = folder / f"{backbone.name}.onnx"
    file.write_bytes(content)
    record = {
        "file": file.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "tensors_sha256": tensors_sha256,
        "weights": weights.name,
        "origin": origin,
        "licence": licence,
    }
    file.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return file


def _shipped_model(backbone: Backbone) -> Model:
    record_file = weights_folder() / f"{backbone.name}.json"
    if not record_file.is_file():
        raise WeightsError(
            f"no weights are shipped for {backbone.name}",
            expected="--weights FILE",
            fix=f"`make weights BACKBONE={backbone.name}` downloads Keras's file",
        )
    record = json.loads(record_file.read_text(encoding="utf-8"))
    file = record_file.with_name(record["file"])
    content = file.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != record["sha256"]:
        raise WeightsError(
            f"the shipped model {file} has sha256 {sha256}",
            expected=f"{record['sha256']}, as {record_file.name} records",
            fix="install again, or check the file out again",
        )
    return Model(content, sha256, record["tensors_sha256"])


def _converted_model(backbone: Backbone, weights: Path) -> Model:
    digest = hashlib.sha256(weights.read_bytes())
    digest.update(repr(backbone).encode())
    digest.update(Path(__file__).with_name("keras_models.py").read_bytes())

    def converted() -> bytes:
        content, tensors_sha256 = _convert_in_own_process(backbone, str(weights))
        return tensors_sha256.encode() + content

    entry = cached(digest.hexdigest(), converted)
    length = hashlib.sha256().digest_size * 2
    content = entry[length:]
    return Model(content, hashlib.sha256(content).hexdigest(), entry[:length].decode())


def _convert_in_own_process(backbone: Backbone, weights: str) -> tuple[bytes, str]:
    """`convert` in a process of its own: TensorFlow takes memory and threads until it ends."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn, initializer=_silence) as process:
        try:
            return process.submit(convert, backbone, weights).result()
        except ModuleNotFoundError as error:
            raise WeightsError(
                f"{weights} cannot be converted: {error.name} is not installed",
                expected="the packages of the default image",
                fix="use the default image; the slim one has no TensorFlow",
            ) from error


def _silence() -> None:
    # TensorFlow's C++ code writes to stderr; errors come back as exceptions.
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
