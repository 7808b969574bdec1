"""A server that answers like the Kubernetes API, on the paths that `submit` uses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Manifest = dict[str, Any]
Answer = tuple[int, Any]
NAMESPACE = "images"
_REVIEWS = "/selfsubjectaccessreviews"
PAGE_NOT_FOUND: Answer = (404, "404 page not found\n")


@dataclass(frozen=True)
class Request:
    """One request: `query` as a dict, `body` as data."""

    method: str
    path: str
    query: dict[str, str]
    body: Any

    @property
    def changes(self) -> bool:
        is_question = self.method == "GET" or self.path.endswith(_REVIEWS)
        return not is_question and self.query.get("dryRun") != "All"


@dataclass
class KubernetesApi:
    """Objects by path. `answers` take precedence: by path, one for each request, the last repeats.

    `allowed` answers access reviews. `refuses` maps a text in an object to the error message for
    it, like a webhook.
    """

    objects: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    allowed: Callable[[Manifest], bool] = lambda attributes: True
    refuses: dict[str, str] = field(default_factory=dict)
    port: int = 0

    def kubeconfig(self, folder: Path) -> Path:
        """A kubeconfig with this server as its only context."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [
                {
                    "name": "test",
                    "context": {"cluster": "test", "user": "test", "namespace": NAMESPACE},
                }
            ],
            "clusters": [
                {"name": "test", "cluster": {"server": f"http://127.0.0.1:{self.port}"}},
            ],
            "users": [{"name": "test", "user": {"token": "t0ken"}}],
        }
        path = folder / "kubeconfig"
        path.write_text(json.dumps(config))
        return path

    def kinds_changed(self) -> list[str]:
        return [request.body["kind"] for request in self.requests if request.changes]

    def answer(self, request: Request) -> Answer:
        """Handle a request: change the objects, return the response."""
        self.requests.append(request)
        waiting = self.answers.get(request.path)
        if waiting:
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if request.method == "GET":
            return self._get(request.path)
        if request.method == "DELETE":
            return self._delete(request.path)
        return self._put(request)

    def _get(self, path: str) -> Answer:
        if path.startswith("/apis/monitoring"):
            return PAGE_NOT_FOUND
        if path in self.objects:
            return 200, self.objects[path]
        if path.rsplit("/", 2)[-2] == NAMESPACE:
            below = [item for at, item in self.objects.items() if at.startswith(f"{path}/")]
            return 200, {"items": below}
        return status(404, f'"{path}" not found', name=path.rsplit("/", 1)[1])

    def _delete(self, path: str) -> Answer:
        if self.objects.pop(path, None) is None:
            return status(404, f'"{path}" not found', name=path.rsplit("/", 1)[1])
        return 200, {"kind": "Status", "status": "Success"}

    @property
    def reviewed(self) -> list[Manifest]:
        """The attributes of all access reviews."""
        asked = [each.body for each in self.requests if each.path.endswith(_REVIEWS)]
        return [each["spec"]["resourceAttributes"] for each in asked]

    def _put(self, request: Request) -> Answer:
        if request.path.endswith(_REVIEWS):
            attributes = request.body["spec"]["resourceAttributes"]
            return 201, {"status": {"allowed": self.allowed(attributes)}}
        for text, refusal in self.refuses.items():
            if text in json.dumps(request.body):
                return status(403, refusal)
        name = request.body["metadata"]["name"]
        path = f"{request.path}/{name}" if request.method == "POST" else request.path
        if request.method == "POST" and path in self.objects:
            return status(409, f'"{name}" already exists', name=name)
        if request.changes:
            self.objects[path] = request.body
        return 201, request.body


def status(code: int, message: str, **details: str) -> Answer:
    """A failure as the API server words it."""
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "details": details,
        "code": code,
    }


@contextmanager
def serving(api: KubernetesApi) -> Iterator[KubernetesApi]:
    """`api` on a port of this machine, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            address = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            query = dict(parse_qsl(address.query))
            code, given = api.answer(Request(self.command, address.path, query, body))
            content = given if isinstance(given, str) else json.dumps(given)
            self.send_response(code)
            kind = "text/plain" if isinstance(given, str) else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content.encode())))
            self.end_headers()
            self.wfile.write(content.encode())

        do_GET = do_POST = do_PATCH = do_DELETE = _any

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", api.port), Handler)
    api.port = server.server_address[1]
    # The default looks twice a second whether it should stop.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
