"""Downloads Keras's official weights of a backbone, and makes an ONNX model of them.

Usage: python docker/weights/download.py [BACKBONE]. Runs do not download weights: they find the
model in this folder.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from job.features.backbones import Backbone, backbone
from job.features.keras_models import import_keras
from job.features.models import write_model

FOLDER = Path(__file__).parent
# Known licences; users must look up the licences of other files.
LICENCES = {"mobilenet_v2": "Apache-2.0"}


def main(name: str = "mobilenet_v2") -> None:
    """Write NAME.onnx and NAME.json to the folder of this script."""
    chosen = backbone(name)
    with tempfile.TemporaryDirectory() as keras_home:
        downloaded = _download(chosen, Path(keras_home))
        origin = f"keras.applications.{chosen.application}(include_top=False, weights='imagenet')"
        licence = LICENCES.get(name, "that of its origin")
        made = write_model(FOLDER, chosen, downloaded, origin, licence)
    print(f"{made}: use it with --backbone {name}")


def _download(chosen: Backbone, keras_home: Path) -> Path:
    """Let Keras download its weights file to an empty cache."""
    # Keras reads it on import.
    os.environ["KERAS_HOME"] = str(keras_home)
    keras = import_keras()
    build = getattr(keras.applications, chosen.application)
    try:
        build(include_top=False, weights="imagenet", input_shape=(*chosen.input_size, 3))
    except Exception as error:
        # Keras raises a bare Exception if the download fails.
        raise SystemExit(f"cannot download the weights of {chosen.name}: {error}") from error
    (file,) = (keras_home / "models").glob("*.h5")
    return file


if __name__ == "__main__":
    main(*sys.argv[1:])
