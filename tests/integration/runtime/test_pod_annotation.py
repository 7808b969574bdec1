"""Progress in an annotation of the driver's pod, by the Kubernetes client of Spark."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pyspark.sql import SparkSession

from job.display import PROGRESS_ANNOTATION, ProgressUpdate
from job.runtime.pod_annotation import PodProgress, with_pod_progress

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "driver", "namespace": "runs"}}


@dataclass
class RecordingDisplay:
    """A display that records its updates."""

    interval: float = 4.0
    updates: list[ProgressUpdate] = field(default_factory=list)

    def show(self, update: ProgressUpdate) -> None:
        self.updates.append(update)

    def print_line(self, text: str) -> None: ...


@dataclass
class Api:
    """A server that answers a PATCH as Kubernetes does, with `status`."""

    status: int = 200
    patches: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)


@pytest.fixture
def api(spark: SparkSession) -> Iterator[Api]:
    """The API server of the JVM's Kubernetes client."""
    server_state = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_PATCH(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server_state.patches.append((self.path, self.headers["Content-Type"], body))
            refusal = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403}
            answer = json.dumps(POD if server_state.status == 200 else refusal).encode()
            self.send_response(server_state.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    properties = {
        "kubernetes.master": f"http://127.0.0.1:{server.server_port}",
        "kubernetes.auth.tryKubeConfig": "false",
        "kubernetes.auth.tryServiceAccount": "false",
    }
    jvm: Any = spark.sparkContext._jvm
    for key, value in properties.items():
        jvm.java.lang.System.setProperty(key, value)
    yield server_state
    for key in properties:
        jvm.java.lang.System.clearProperty(key)
    server.shutdown()
    server.server_close()


def test_an_update_is_shown_and_annotated(spark: SparkSession, api: Api) -> None:
    display = RecordingDisplay()
    progress = PodProgress(display, spark, "driver", "runs")
    update = ProgressUpdate("featurize", "images", 120, 240, 4.0)
    progress.show(update)
    assert display.updates == [update]
    ((path, content_type, body),) = api.patches
    assert path == "/api/v1/namespaces/runs/pods/driver"
    assert content_type.startswith("application/merge-patch+json")
    assert json.loads(body["metadata"]["annotations"][PROGRESS_ANNOTATION]) == {
        "stage": "featurize",
        "done": 120,
        "total": 240,
        "unit": "images",
        "rate": 30.0,
    }


def test_a_refusal_is_printed_once_and_does_not_fail(
    spark: SparkSession, api: Api, capfd: pytest.CaptureFixture[str]
) -> None:
    api.status = 403
    display = RecordingDisplay()
    progress = PodProgress(display, spark, "driver", "runs")
    for done in (1, 2, 3):
        progress.show(ProgressUpdate("list", "objects", done, None, 1.0))
    assert len(display.updates) == 3
    assert len(api.patches) == 1
    lines = [line for line in capfd.readouterr().err.splitlines() if "progress on the pod" in line]
    assert len(lines) == 1
    assert "PATCH" in lines[0]
    assert "/pods/driver" in lines[0]


def test_outside_of_a_pod_nothing_is_annotated(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POD_NAME", raising=False)
    display = RecordingDisplay()
    assert with_pod_progress(display, spark) is display
