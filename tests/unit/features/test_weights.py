"""Every Keras weights file of the network is accepted, and no other file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from job.errors import WeightsError
from job.features.backbones import Backbone
from job.features.weights import (
    WeightsFile,
    file_sha256,
    load_weights,
    resolve_weights,
    sidecar_path,
    tensors_sha256,
)
from tests.unit.features.random_weights import write_keras_2

MEGABYTE = 1_000_000

# Keras 3.15 uses the array protocol of numpy 1 when it saves variables.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def empty(mobilenet: Backbone, without_top: Any) -> Any:
    """A network with other tensors than the file."""
    model = mobilenet.build()
    assert tensors_sha256(model) != tensors_sha256(without_top)
    return model


def test_the_shipped_file_matches_its_sidecar(shipped: WeightsFile, without_top: Any) -> None:
    assert shipped.sha256 == file_sha256(shipped.path)
    assert shipped.tensors_sha256 == tensors_sha256(without_top)
    assert Path(shipped.path).stat().st_size < 9.2 * MEGABYTE


@pytest.mark.parametrize("top", ["with_top", "without_top"])
@pytest.mark.parametrize("layout", ["keras 3", "keras 3 renamed", "keras 2", "keras 2 model"])
def test_files_with_and_without_top_are_loaded(
    layout: str,
    top: str,
    mobilenet: Backbone,
    empty: Any,
    shipped: WeightsFile,
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
    mobilenet: Backbone, empty: Any, shipped: WeightsFile
) -> None:
    load_weights(empty, mobilenet, shipped.path)
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
    damage: Any, reason: str, mobilenet: Backbone, empty: Any, shipped: WeightsFile, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.weights.h5"
    damage(Path(shipped.path), path)

    with pytest.raises(WeightsError) as raised:
        load_weights(empty, mobilenet, path)

    message = str(raised.value)
    assert f"cannot load weights file {path}" in message
    assert reason in message
    assert "\n" not in message
    assert len(message) < 700


def test_a_missing_weights_file_is_refused(mobilenet: Backbone) -> None:
    with pytest.raises(WeightsError, match=r"/nowhere/file.h5 does not exist; expected a Keras"):
        resolve_weights(mobilenet, "/nowhere/file.h5")


def test_a_users_file_is_loaded_to_hash_its_tensors(
    mobilenet: Backbone, with_top: Any, shipped: WeightsFile, tmp_path: Path
) -> None:
    path = tmp_path / "mine.weights.h5"
    with_top.save_weights(path)

    weights = resolve_weights(mobilenet, str(path))

    assert weights == WeightsFile(str(path), file_sha256(path), shipped.tensors_sha256)


def test_a_damaged_file_of_the_user_is_refused_before_the_run(
    mobilenet: Backbone, shipped: WeightsFile, tmp_path: Path
) -> None:
    path = tmp_path / "mine.weights.h5"
    truncated(Path(shipped.path), path)

    with pytest.raises(WeightsError, match="truncated file"):
        resolve_weights(mobilenet, str(path))


def test_a_file_with_a_sidecar_is_not_loaded(mobilenet: Backbone, tmp_path: Path) -> None:
    path = tmp_path / "mine.h5"
    path.write_bytes(b"not even a weights file")
    record = {
        "backbone": "mobilenet_v2",
        "sha256": file_sha256(path),
        "tensors_sha256": "as recorded",
    }
    sidecar_path(path).write_text(json.dumps(record))

    assert resolve_weights(mobilenet, str(path)).tensors_sha256 == "as recorded"


def test_a_changed_shipped_file_is_refused(
    mobilenet: Backbone, shipped: WeightsFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (Path(shipped.path), sidecar_path(Path(shipped.path))):
        shutil.copyfile(file, tmp_path / file.name)
    with (tmp_path / Path(shipped.path).name).open("ab") as file:
        file.write(b"\0")
    monkeypatch.setattr("job.features.weights.weights_folder", lambda: tmp_path)

    with pytest.raises(WeightsError, match=f"expected {shipped.sha256}, as mobilenet_v2.json"):
        resolve_weights(mobilenet)


def test_a_backbone_without_shipped_weights_requires_a_file(
    mobilenet: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("job.features.weights.weights_folder", lambda: tmp_path)

    with pytest.raises(WeightsError, match="no weights are shipped for mobilenet_v2"):
        resolve_weights(mobilenet)
