"""Weights files: finds, checks, hashes and loads them."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from job.errors import WeightsError
from job.features.backbones import Backbone
from job.resources import weights_folder

if TYPE_CHECKING:
    import h5py
    import keras


@dataclass(frozen=True)
class WeightsFile:
    """A weights file: `sha256` of its bytes, `tensors_sha256` of the tensors in use."""

    path: str
    sha256: str
    tensors_sha256: str


def resolve_weights(backbone: Backbone, file: str | None = None) -> WeightsFile:
    """The weights to use: `file`, or the shipped ones. Raises WeightsError if missing or damaged.

    Fast and without TensorFlow if a sidecar (same name, .json) records the file's sha256. Otherwise
    loads the file once, in a separate process, to check it.
    """
    path = _shipped_file(backbone) if file is None else Path(file).absolute()
    if not path.is_file():
        raise WeightsError(
            f"weights file {path} does not exist",
            expected=f"a Keras weights file of {backbone.name}",
            fix="check --weights, or leave it out to use the shipped file",
        )
    sha256 = file_sha256(path)
    sidecar = _read_sidecar(sidecar_path(path))
    if sidecar.get("backbone") == backbone.name and sidecar.get("sha256") == sha256:
        return WeightsFile(str(path), sha256, sidecar["tensors_sha256"])
    if file is None:
        raise WeightsError(
            f"the shipped weights file {path} has sha256 {sha256}",
            expected=f"{sidecar.get('sha256')}, as {sidecar_path(path).name} records",
            fix="install again, or check the file out again",
        )
    return WeightsFile(str(path), sha256, _tensors_of_file(backbone, str(path)))


def load_weights(model: keras.Model, backbone: Backbone, file: str | Path) -> None:
    """Copy the tensors of `file` into `model`, a network that `backbone` built.

    Takes .weights.h5 of Keras 3 and HDF5 of Keras 2 (weights or whole model), with or without
    the top. Raises WeightsError for a file that is missing, damaged or of another network; do not
    use the model after that.
    """
    import h5py

    path = Path(file)
    try:
        with h5py.File(path) as stored:
            weights = stored.get("model_weights", stored)
            if "layer_names" in weights.attrs:
                _load_keras_2(model, weights)
            else:
                _load_keras_3(model, path)
        _require_finite(model)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        why = " ".join(str(error).split())
        raise WeightsError(
            f"cannot load weights file {path}: {why[:300]}",
            expected=f"a complete HDF5 weights file that Keras wrote for {backbone.name}",
            fix="check --weights, or leave it out to use the shipped file",
        ) from error


def tensors_sha256(model: keras.Model) -> str:
    """The hash of a network's tensors: shape, dtype and little-endian bytes, in layer order.

    Independent of names, so files with and without top, of Keras 2 or 3, have the same hash.
    """
    digest = hashlib.sha256()
    for variable in _variables(model):
        tensor = variable.numpy()
        digest.update(f"{tensor.shape} {tensor.dtype.name}\n".encode())
        digest.update(tensor.astype(tensor.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def file_sha256(path: str | Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sidecar_path(path: Path) -> Path:
    """The path of the sidecar: mobilenet_v2.json next to mobilenet_v2.weights.h5."""
    return path.with_name(path.name.removesuffix(".h5").removesuffix(".weights") + ".json")


def write_sidecar(path: Path, backbone: Backbone, origin: str, licence: str) -> WeightsFile:
    """Load the file to check it, and write its sidecar."""
    weights = WeightsFile(str(path), file_sha256(path), _tensors_of_file(backbone, str(path)))
    sidecar = {
        "file": path.name,
        "backbone": backbone.name,
        "sha256": weights.sha256,
        "tensors_sha256": weights.tensors_sha256,
        "origin": origin,
        "licence": licence,
    }
    sidecar_path(path).write_text(json.dumps(sidecar, indent=2) + "\n", encoding="utf-8")
    return weights


def _shipped_file(backbone: Backbone) -> Path:
    sidecar = weights_folder() / f"{backbone.name}.json"
    if not sidecar.is_file():
        raise WeightsError(
            f"no weights are shipped for {backbone.name}",
            expected="--weights FILE",
            fix=f"`make weights BACKBONE={backbone.name}` downloads Keras's file",
        )
    return sidecar.with_name(_read_sidecar(sidecar)["file"])


def _read_sidecar(path: Path) -> dict[str, Any]:
    """The content of a sidecar; empty if the file is missing."""
    if not path.is_file():
        return {}
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsError(
            f"{path} is not JSON: {error}",
            expected="the record of the weights file next to it",
            fix="delete it; the job then loads the weights to check them",
        ) from error
    return content


def _tensors_of_file(backbone: Backbone, path: str) -> str:
    """tensors_sha256 of a file, from a separate process to keep TensorFlow out of the driver."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as process:
        return process.submit(_loaded_tensors_sha256, backbone, path).result()


def _loaded_tensors_sha256(backbone: Backbone, path: str) -> str:
    model = backbone.build()
    load_weights(model, backbone, path)
    return tensors_sha256(model)


def _load_keras_3(model: keras.Model, path: Path) -> None:
    # Keras chooses its reader by the file extension, and skips a top that the model lacks.
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Keras warns about missing tensors before it raises.
        warnings.simplefilter("ignore", UserWarning)
        link = Path(folder) / "file.weights.h5"
        link.symlink_to(path.resolve())
        model.load_weights(link)


def _load_keras_2(model: keras.Model, stored: h5py.Group) -> None:
    """Copy layer by layer in order; the remaining layers of the file are the top."""
    layers = [layer for layer in model.layers if layer.weights]
    groups = [group for group in _keras_2_layers(stored) if group]
    if len(groups) < len(layers):
        raise ValueError(f"it has {len(groups)} layers with weights, the network {len(layers)}")
    for layer, tensors in zip(layers, groups, strict=False):
        variables = [*layer.trainable_weights, *layer.non_trainable_weights]
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != [tensor.shape for tensor in tensors]:
            raise ValueError(
                f"layer {layer.name} has shapes {shapes}, "
                f"the file {[tensor.shape for tensor in tensors]}"
            )
        for variable, tensor in zip(variables, tensors, strict=True):
            variable.assign(tensor)
        if hasattr(layer, "finalize_state"):
            # A Normalization computes with copies of its variables.
            layer.finalize_state()


def _keras_2_layers(stored: h5py.Group) -> Iterator[list[np.ndarray[Any, Any]]]:
    for name in stored.attrs["layer_names"]:
        group = stored[name]
        yield [np.asarray(group[weight]) for weight in group.attrs["weight_names"]]


def _require_finite(model: keras.Model) -> None:
    for variable in _variables(model):
        if not np.isfinite(variable.numpy()).all():
            raise ValueError(f"{variable.path} holds values that are not finite")


def _variables(model: keras.Model) -> Iterator[Any]:
    for layer in model.layers:
        yield from layer.weights
