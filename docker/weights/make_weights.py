"""Makes the shipped weights, float32 without the top layer, and the ONNX model of them.

SOURCE is a file with or without the top.
Usage: python docker/weights/make_weights.py SOURCE [BACKBONE]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path, PurePosixPath

import h5py
from h5py import h5p

from job.features.backbones import Backbone, backbone
from job.features.keras_models import build, load_weights
from job.features.models import write_model

FOLDER = Path(__file__).parent
ORIGIN = (
    "ImageNet weights for keras.applications.MobileNetV2 (alpha 1.0, 224x224), rebuilt from the "
    "int8 TFLite release of the same network, batch normalisation folded in; its top left out"
)
LICENCE = "Apache-2.0"


def main(source: str, name: str = "mobilenet_v2") -> None:
    """Write NAME.weights.h5, NAME.onnx and NAME.json to the folder of this script."""
    chosen = backbone(name)
    destination = FOLDER / f"{name}.weights.h5"
    with tempfile.TemporaryDirectory() as folder:
        loose = Path(folder) / destination.name
        _save_without_top(chosen, source, loose)
        _compact(loose, destination)
    made = write_model(FOLDER, chosen, destination, ORIGIN, LICENCE)
    print(f"{made}: {made.stat().st_size} bytes")


def _save_without_top(chosen: Backbone, source: str, destination: Path) -> None:
    model = build(chosen)
    load_weights(model, chosen, source)
    model.save_weights(destination)


def _compact(loose: Path, destination: Path) -> None:
    """Copy the tensors; HDF5's newer layout saves 0.4 MB, and no times make files reproducible."""
    with h5py.File(loose) as old, _timeless_file(destination) as new:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                _timeless_group(new, str(PurePosixPath(name).parent))
                new.create_dataset(name, data=item[()])

        old.visititems(copy)


def _timeless_file(path: Path) -> h5py.File:
    created, access = h5p.create(h5p.FILE_CREATE), h5p.create(h5p.FILE_ACCESS)
    created.set_obj_track_times(False)
    access.set_libver_bounds(h5py.h5f.LIBVER_LATEST, h5py.h5f.LIBVER_LATEST)
    return h5py.File(h5py.h5f.create(bytes(path), h5py.h5f.ACC_TRUNC, created, access))


def _timeless_group(file: h5py.File, name: str) -> None:
    if name != "." and name not in file:
        created, link = h5p.create(h5p.GROUP_CREATE), h5p.create(h5p.LINK_CREATE)
        created.set_obj_track_times(False)
        _timeless_group(file, str(PurePosixPath(name).parent))
        h5py.h5g.create(file.id, name.encode(), link, created)


if __name__ == "__main__":
    main(*sys.argv[1:])
