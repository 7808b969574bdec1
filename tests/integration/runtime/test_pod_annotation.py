"""The driver's pod tells how far the run is, through Spark's own Kubernetes client."""

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
class Shown:
    """A display that keeps what it is shown."""

    interval: float = 4.0
    ticks: list[ProgressUpdate] = field(default_factory=list)

    def show(self, tick: ProgressUpdate) -> None:
        self.ticks.append(tick)

    def print_line(self, text: str) -> None: ...


@dataclass
class Api:
    """A server that answers a PATCH as Kubernetes does; `status` is what it answers with."""

    status: int = 200
    patches: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)


@pytest.fixture
def api(spark: SparkSession) -> Iterator[Api]:
    """The API server that the JVM's client finds."""
    seen = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_PATCH(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.patches.append((self.path, self.headers["Content-Type"], body))
            refusal = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403}
            answer = json.dumps(POD if seen.status == 200 else refusal).encode()
            self.send_response(seen.status)
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
    yield seen
    for key in properties:
        jvm.java.lang.System.clearProperty(key)
    server.shutdown()
    server.server_close()


def test_a_tick_is_shown_and_annotated(spark: SparkSession, api: Api) -> None:
    shown = Shown()
    progress = PodProgress(shown, spark, "driver", "runs")
    tick = ProgressUpdate("featurize", "images", 120, 240, 4.0)
    progress.show(tick)
    assert shown.ticks == [tick]
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


def test_a_refusal_is_told_once_and_stops_nothing(
    spark: SparkSession, api: Api, capfd: pytest.CaptureFixture[str]
) -> None:
    api.status = 403
    shown = Shown()
    progress = PodProgress(shown, spark, "driver", "runs")
    for done in (1, 2, 3):
        progress.show(ProgressUpdate("list", "objects", done, None, 1.0))
    assert len(shown.ticks) == 3
    assert len(api.patches) == 1
    told = [line for line in capfd.readouterr().err.splitlines() if "progress on the pod" in line]
    assert len(told) == 1
    assert "PATCH" in told[0]
    assert "/pods/driver" in told[0]


def test_outside_of_a_pod_there_is_nothing_to_annotate(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POD_NAME", raising=False)
    shown = Shown()
    assert with_pod_progress(shown, spark) is shown
