"""Download Keras's official weights of a backbone, and record their sha256 beside them.

Usage: python docker/weights/download.py [BACKBONE]. No run calls it: give the file to a run with
--weights.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from job.features.backbones import Backbone, backbone
from job.features.tensorflow_import import tensorflow
from job.features.weights import write_sidecar

FOLDER = Path(__file__).parent
# What is known of a licence; of other files whoever uses them has to look.
LICENCES = {"mobilenet_v2": "Apache-2.0"}


def main(name: str = "mobilenet_v2") -> None:
    """Write Keras's file and its record into the folder of this script."""
    chosen = backbone(name)
    with tempfile.TemporaryDirectory() as keras_home:
        downloaded = _download(chosen, Path(keras_home))
        destination = FOLDER / downloaded.name
        shutil.copyfile(downloaded, destination)
    origin = f"keras.applications.{chosen.application}(include_top=False, weights='imagenet')"
    made = write_sidecar(destination, chosen, origin, LICENCES.get(name, "that of its origin"))
    print(f"sha256 {made.sha256}\nuse it with --weights {destination}")


def _download(chosen: Backbone, keras_home: Path) -> Path:
    """Let Keras fetch what it would use itself, into a cache that holds nothing else."""
    # Read when Keras is imported.
    os.environ["KERAS_HOME"] = str(keras_home)
    tensorflow()
    import keras

    build = getattr(keras.applications, chosen.application)
    try:
        build(include_top=False, weights="imagenet", input_shape=(*chosen.input_size, 3))
    except Exception as error:
        # Keras raises it bare when the network does not allow the download.
        raise SystemExit(f"cannot download the weights of {chosen.name}: {error}") from error
    (file,) = (keras_home / "models").glob("*.h5")
    return file


if __name__ == "__main__":
    main(*sys.argv[1:])
