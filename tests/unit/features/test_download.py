"""`make weights`, with a local server instead of Keras's."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from job.features import models
from job.features.backbones import Backbone
from job.features.models import Model, resolve_model
from tests.unit.features.random_weights import write_keras_2

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[3] / "docker" / "weights"
OFFICIAL = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
# Keras binds the function at import, which the script does after setting KERAS_HOME.
DOWNLOAD = """
import sys, urllib.request
from pathlib import Path

_, scripts, server, folder = sys.argv
retrieve = urllib.request.urlretrieve

def from_loopback(url, *more):
    return retrieve(f"{server}/{url.rpartition('/')[2]}", *more)

urllib.request.urlretrieve = from_loopback
sys.path.insert(0, scripts)
import download

download.FOLDER = Path(folder)
download.main()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the URL that serves it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


def download(address: str, folder: Path) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    command = [sys.executable, "-c", DOWNLOAD, str(SCRIPTS), address, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_the_model_is_saved_with_its_origin_and_can_be_used(
    server: tuple[Path, str],
    tmp_path: Path,
    mobilenet: Backbone,
    without_top: Any,
    shipped: Model,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served, address = server
    write_keras_2(without_top, served / OFFICIAL)
    folder = tmp_path / "weights"
    ended = download(address, folder)
    assert ended.returncode == 0, ended.stderr
    record = json.loads((folder / "mobilenet_v2.json").read_text())
    assert record["weights"] == OFFICIAL
    assert "keras.applications.MobileNetV2" in record["origin"]
    monkeypatch.setattr(models, "weights_folder", lambda: folder)
    assert resolve_model(mobilenet).tensors_sha256 == shipped.tensors_sha256


def test_a_failed_download_prints_one_line_and_leaves_nothing(
    server: tuple[Path, str], tmp_path: Path
) -> None:
    ended = download(server[1], tmp_path / "weights")
    assert ended.returncode == 1
    assert "cannot download the weights of mobilenet_v2: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list((tmp_path / "weights").iterdir()) == []
