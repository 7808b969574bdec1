"""Weights files: which one is used, what its tensors are, and their way into a network."""

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
    """A file of weights: `sha256` of its bytes, `tensors_sha256` of the tensors that are used."""

    path: str
    sha256: str
    tensors_sha256: str


def resolve_weights(backbone: Backbone, file: str | None = None) -> WeightsFile:
    """The weights to use: `file`, or the shipped ones; WeightsError if missing or damaged.

    Fast and without TensorFlow where a sidecar (same name, .json) records the file's sha256.
    Otherwise the file is loaded once, in a process of its own, to see that it is whole.
    """
    path = _shipped_file(backbone) if file is None else Path(file).absolute()
    if not path.is_file():
        raise WeightsError(
            f"weights file {path} does not exist",
            expected=f"a Keras weights file of {backbone.name}",
            fix="check --weights, or leave it out to use the shipped file",
        )
    sha256 = file_sha256(path)
    recorded = _read_record(sidecar_path(path))
    if recorded.get("backbone") == backbone.name and recorded.get("sha256") == sha256:
        return WeightsFile(str(path), sha256, recorded["tensors_sha256"])
    if file is None:
        raise WeightsError(
            f"the shipped weights file {path} has sha256 {sha256}",
            expected=f"{recorded.get('sha256')}, as {sidecar_path(path).name} records",
            fix="install again, or check the file out again",
        )
    return WeightsFile(str(path), sha256, _tensors_of_file(backbone, str(path)))


def load_weights(model: keras.Model, backbone: Backbone, file: str | Path) -> None:
    """Copy the tensors of `file` into `model`, a network that `backbone` built.

    Takes .weights.h5 of Keras 3 and HDF5 of Keras 2 (weights or whole model), with or without
    the top. Raises WeightsError for a file that is missing, damaged or of another network;
    the model is then not to be used.
    """
    import h5py

    path = Path(file)
    try:
        with h5py.File(path) as stored:
            layered = stored.get("model_weights", stored)
            if "layer_names" in layered.attrs:
                _load_keras_2(model, layered)
            else:
                _load_keras_3(model, path)
        _require_finite(model)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        why = " ".join(str(error).split())
        raise WeightsError(
            f"cannot load weights file {path}: {why[:300]}",
            expected=f"an HDF5 weights file that Keras wrote for {backbone.name}, whole",
            fix="check --weights, or leave it out to use the shipped file",
        ) from error


def tensors_sha256(model: keras.Model) -> str:
    """The hash of a network's tensors: of shape, dtype and little-endian bytes, in layer order.

    Names have no part in it, so files with and without top, of Keras 2 or 3, agree.
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
    """Where the record of a weights file is: mobilenet_v2.json beside mobilenet_v2.weights.h5."""
    return path.with_name(path.name.removesuffix(".h5").removesuffix(".weights") + ".json")


def write_sidecar(path: Path, backbone: Backbone, origin: str, licence: str) -> WeightsFile:
    """Load the file to see that it is whole, and record beside it what it is."""
    weights = WeightsFile(str(path), file_sha256(path), _tensors_of_file(backbone, str(path)))
    record = {
        "file": path.name,
        "backbone": backbone.name,
        "sha256": weights.sha256,
        "tensors_sha256": weights.tensors_sha256,
        "origin": origin,
        "licence": licence,
    }
    sidecar_path(path).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return weights


def _shipped_file(backbone: Backbone) -> Path:
    record = weights_folder() / f"{backbone.name}.json"
    if not record.is_file():
        raise WeightsError(
            f"no weights are shipped for {backbone.name}",
            expected="--weights FILE",
            fix=f"`make weights BACKBONE={backbone.name}` downloads Keras's file",
        )
    return record.with_name(_read_record(record)["file"])


def _read_record(record: Path) -> dict[str, Any]:
    """What a sidecar says; empty if there is none."""
    if not record.is_file():
        return {}
    try:
        recorded: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsError(
            f"{record} is not JSON: {error}",
            expected="the record of the weights file beside it",
            fix="delete it; the weights are then checked by loading them",
        ) from error
    return recorded


def _tensors_of_file(backbone: Backbone, path: str) -> str:
    """tensors_sha256 of a file, in a process of its own: TensorFlow would fill the driver."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as process:
        return process.submit(_loaded_tensors_sha256, backbone, path).result()


def _loaded_tensors_sha256(backbone: Backbone, path: str) -> str:
    model = backbone.build()
    load_weights(model, backbone, path)
    return tensors_sha256(model)


def _load_keras_3(model: keras.Model, path: Path) -> None:
    # Keras chooses its reader by the name's ending and leaves out a top that the model lacks.
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # It warns while it looks for what is missing, then raises.
        warnings.simplefilter("ignore", UserWarning)
        link = Path(folder) / "file.weights.h5"
        link.symlink_to(path.resolve())
        model.load_weights(link)


def _load_keras_2(model: keras.Model, stored: h5py.Group) -> None:
    """Copy layer by layer in order; what is left over at the end is the top."""
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
            # A Normalization reckons with copies of its variables.
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
