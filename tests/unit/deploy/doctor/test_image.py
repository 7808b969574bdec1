"""Image names, and lookups in a registry."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from job.checks import CannotCheckError
from job.deploy.doctor.image import fetch_digest, split_image_name
from job.errors import MissingPrerequisiteError

DIGEST = "sha256:" + "0" * 64
FRUITS = "/v2/fruits/manifests/1"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("image-features:dev", (None, "image-features", "dev")),
        ("team/fruits", ("registry-1.docker.io", "team/fruits", "latest")),
        ("ghcr.io/team/fruits:1", ("ghcr.io", "team/fruits", "1")),
        ("localhost:5000/fruits:1", ("localhost:5000", "fruits", "1")),
        (f"ghcr.io/fruits@{DIGEST}", ("ghcr.io", "fruits", DIGEST)),
    ],
)
def test_the_parts_of_a_name(name: str, expected: tuple[str | None, str, str]) -> None:
    assert split_image_name(name) == expected


@contextmanager
def registry(status: int, token: str = "", realm: str = "") -> Iterator[str]:
    """A registry of one image; with a token, only who asks for one at `realm` may see it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, b'{"token": "' + token.encode() + b'"}', {})

        def do_HEAD(self) -> None:
            if token and self.headers.get("Authorization") != f"Bearer {token}":
                place = realm or f"http://{self.headers['Host']}/token"
                challenge = f'Bearer realm="{place}",scope="pull"'
                self._answer(401, b"", {"WWW-Authenticate": challenge})
            else:
                self._answer(status, b"", {"Docker-Content-Digest": DIGEST})

        def _answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_an_image_that_is_there() -> None:
    with registry(200) as address:
        assert fetch_digest(address + FRUITS, "fruits", "1") == DIGEST


def test_an_image_that_is_not_there() -> None:
    with (
        registry(404) as address,
        pytest.raises(MissingPrerequisiteError, match="fruits:1 is not in its registry"),
    ):
        fetch_digest(address + FRUITS, "fruits", "1")


def test_a_registry_that_gives_a_token_to_anybody() -> None:
    with registry(200, token="t0ken") as address:
        assert fetch_digest(address + FRUITS, "fruits", "1") == DIGEST


def test_a_registry_may_not_send_to_a_file_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "token?scope=pull").write_text('{"token": "t0ken"}')
    with (
        registry(200, token="t0ken", realm=f"file://{tmp_path}/token") as address,
        pytest.raises(CannotCheckError, match="is not a web address"),
    ):
        fetch_digest(address + FRUITS, "fruits", "1")


def test_a_registry_that_wants_a_login() -> None:
    with registry(403) as address, pytest.raises(CannotCheckError, match="403 without credentials"):
        fetch_digest(address + FRUITS, "fruits", "1")


def test_a_registry_that_does_not_answer() -> None:
    with pytest.raises(CannotCheckError, match="no answer from"):
        fetch_digest(f"http://127.0.0.1:1{FRUITS}", "fruits", "1")
