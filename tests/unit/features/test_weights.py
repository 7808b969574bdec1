"""Keras weights files: every one of the network is accepted, and no other file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from job.errors import WeightsError
from job.features import models
from job.features.backbones import Backbone
from job.features.keras_models import build, load_weights, tensors_sha256
from job.features.models import Model, resolve_model
from job.resources import weights_folder
from tests.support.job_process import CHECKOUT
from tests.unit.features.random_weights import write_keras_2

MEGABYTE = 1_000_000

# Keras 3.15 uses the array protocol of numpy 1 when it saves variables.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def empty(mobilenet: Backbone, without_top: Any) -> Any:
    """A network with other tensors than the file."""
    model = build(mobilenet)
    assert tensors_sha256(model) != tensors_sha256(without_top)
    return model


def test_the_shipped_model_was_made_from_the_shipped_weights(
    shipped: Model, without_top: Any
) -> None:
    assert shipped.tensors_sha256 == tensors_sha256(without_top)
    assert len(shipped.content) < 9.2 * MEGABYTE


@pytest.mark.parametrize("top", ["with_top", "without_top"])
@pytest.mark.parametrize("layout", ["keras 3", "keras 3 renamed", "keras 2", "keras 2 model"])
def test_files_with_and_without_top_are_loaded(
    layout: str,
    top: str,
    mobilenet: Backbone,
    empty: Any,
    shipped: Model,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    model = request.getfixturevalue(top)
    path = tmp_path / "file.weights.h5"
    if layout.startswith("keras 3"):
        model.save_weights(path)
        path = path.rename(tmp_path / "file.h5") if layout.endswith("renamed") else path
    elif layout == "keras 2":
        write_keras_2(model, path)
    else:
        path = tmp_path / "model.h5"
        model.save(path)

    load_weights(empty, mobilenet, path)

    assert tensors_sha256(empty) == shipped.tensors_sha256


def test_one_changed_value_changes_the_hash(
    mobilenet: Backbone, empty: Any, shipped: Model, weights: Path
) -> None:
    load_weights(empty, mobilenet, weights)
    kernel = empty.get_layer("Conv1").kernel
    changed = kernel.numpy()
    changed[0, 0, 0, 0] += 1e-6

    kernel.assign(changed)

    assert tensors_sha256(empty) != shipped.tensors_sha256


def truncated(good: Path, path: Path) -> None:
    path.write_bytes(good.read_bytes()[: 4 * MEGABYTE])


def not_hdf5(good: Path, path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\n")


def wrong_shape(good: Path, path: Path) -> None:
    shutil.copyfile(good, path)
    with h5py.File(path, "r+") as file:
        del file["layers/conv2d/vars/0"]
        file["layers/conv2d/vars/0"] = np.zeros((3, 3, 3, 16), np.float32)


def layer_missing(good: Path, path: Path) -> None:
    shutil.copyfile(good, path)
    with h5py.File(path, "r+") as file:
        del file["layers/conv2d_7"]


def not_finite(good: Path, path: Path) -> None:
    shutil.copyfile(good, path)
    with h5py.File(path, "r+") as file:
        file["layers/conv2d/vars/0"][0] = np.nan


def other_network(good: Path, path: Path) -> None:
    import keras

    keras.applications.MobileNet(weights=None, include_top=False).save_weights(path)


def other_network_of_keras_2(good: Path, path: Path) -> None:
    import keras

    write_keras_2(keras.applications.MobileNet(weights=None, include_top=False), path)


def missing(good: Path, path: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncated, "truncated file"),
        (not_hdf5, "file signature not found"),
        (wrong_shape, "<Conv2D name=Conv1, built=True>"),
        (layer_missing, "block_3_project"),
        (not_finite, "Conv1/kernel holds values that are not finite"),
        (other_network, "cannot load"),
        (other_network_of_keras_2, "it has 54 layers with weights, the network 104"),
        (missing, "No such file or directory"),
    ],
)
def test_the_error_for_an_unusable_file_is_one_line(
    damage: Any, reason: str, mobilenet: Backbone, empty: Any, weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.weights.h5"
    damage(weights, path)

    with pytest.raises(WeightsError) as raised:
        load_weights(empty, mobilenet, path)

    message = str(raised.value)
    assert f"cannot load weights file {path}" in message
    assert reason in message
    assert "\n" not in message
    assert len(message) < 700


def test_a_missing_weights_file_is_refused(mobilenet: Backbone) -> None:
    with pytest.raises(WeightsError, match=r"/nowhere/file.h5 does not exist; expected a Keras"):
        resolve_model(mobilenet, "/nowhere/file.h5")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of converted models."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_a_weights_file_is_converted_once(
    mobilenet: Backbone,
    with_top: Any,
    shipped: Model,
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "mine.weights.h5"
    with_top.save_weights(path)

    model = resolve_model(mobilenet, str(path))

    assert model.tensors_sha256 == shipped.tensors_sha256
    monkeypatch.delattr(models, "_convert_in_own_process")
    assert resolve_model(mobilenet, str(path)) == model


def test_a_damaged_file_of_the_user_is_refused_before_the_run(
    mobilenet: Backbone, weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.weights.h5"
    truncated(weights, path)

    with pytest.raises(WeightsError, match="truncated file"):
        resolve_model(mobilenet, str(path))


def test_without_tensorflow_a_weights_file_is_refused(
    mobilenet: Backbone, weights: Path, tmp_path: Path, cache: Path
) -> None:
    """As in the slim image."""
    (tmp_path / "keras.py").write_text("raise ModuleNotFoundError('no keras', name='keras')")
    program = (
        "from job.features.backbones import backbone\n"
        "from job.features.models import resolve_model\n"
        "if __name__ == '__main__':\n"
        f"    resolve_model(backbone('mobilenet_v2'), {str(weights)!r})\n"
    )
    file = tmp_path / "program.py"
    file.write_text(program)

    done = subprocess.run(
        [sys.executable, str(file)],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{CHECKOUT}", "TMPDIR": str(cache)},
        capture_output=True,
        text=True,
    )

    assert "cannot be converted: keras is not installed" in done.stderr


def test_a_changed_shipped_model_is_refused(
    mobilenet: Backbone, shipped: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mobilenet_v2.onnx", "mobilenet_v2.json"):
        shutil.copyfile(weights_folder() / name, tmp_path / name)
    with (tmp_path / "mobilenet_v2.onnx").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setattr(models, "weights_folder", lambda: tmp_path)

    with pytest.raises(WeightsError, match=f"expected {shipped.sha256}, as mobilenet_v2.json"):
        resolve_model(mobilenet)


def test_a_backbone_without_shipped_weights_requires_a_file(
    mobilenet: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "weights_folder", lambda: tmp_path)

    with pytest.raises(WeightsError, match="no weights are shipped for mobilenet_v2"):
        resolve_model(mobilenet)
