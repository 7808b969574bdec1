"""An HTTP proxy for an S3 server that counts requests, delays responses and injects faults."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

HOST = "127.0.0.1"
_CHUNK = 256 * 1024
_CONTINUE = b"HTTP/1.1 100 "


@dataclass(frozen=True)
class Request:
    """The request of a client; `key` is empty for a bucket, both are empty for the server.

    `kind` is the method, but LIST for a GET of a bucket, COPY for a PUT from another object, and
    OTHER for a GET of an object's attribute (its tags, its parts).
    """

    kind: str
    bucket: str
    key: str
    query: str


@dataclass(frozen=True)
class Response:
    """A response that replaces the server's."""

    status: int
    body: bytes = b""

    @classmethod
    def error(
        cls, status: int, code: str, message: str = "", storage_class: str | None = None
    ) -> Response:
        """S3's XML for an error, such as 503 SlowDown or 403 ExpiredToken."""
        archived = f"<StorageClass>{storage_class}</StorageClass>" if storage_class else ""
        body = f"<Error><Code>{code}</Code><Message>{message}</Message>{archived}</Error>"
        return cls(status, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode())


@dataclass(frozen=True)
class Cut:
    """Cuts the server's response off after `body_bytes` of its body; -1 is before the head."""

    body_bytes: int = -1


@dataclass(frozen=True)
class Stall:
    """Delays the request by `seconds`."""

    seconds: float


Fault = Response | Cut | Stall


class S3Proxy:
    """A context that forwards requests to `endpoint` to the S3 server `upstream`.

    Requests keep all their bytes, including the Host header: the server checks the signature for
    the address that the client has signed.
    """

    def __init__(self, upstream: str, delay_seconds: float = 0.0, host: str = HOST) -> None:
        parts = urlsplit(upstream)
        self._host = host
        self._upstream = parts.hostname or HOST, parts.port or 80
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._listening = threading.Event()
        self.delay_seconds = delay_seconds
        # Called for each request; returns a fault, or None to forward the request.
        self.hook: Callable[[Request], Fault | None] | None = None
        self.requests: list[Request] = []
        self.endpoint = ""
        self._cpu_seconds_at_end: float | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def answer_with(self, status: int, code: str, message: str = "") -> None:
        """Answer all requests with this S3 error until `forward` is called."""
        response = Response.error(status, code, message)
        self.hook = lambda _request: response

    def forward(self) -> None:
        """Forward all requests again."""
        self.hook = None

    def count(self, kind: str, key_prefix: str = "") -> int:
        """Number of requests of a kind for keys with the prefix."""
        return sum(
            request.kind == kind and request.key.startswith(key_prefix) for request in self.requests
        )

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the proxy so far."""
        if self._cpu_seconds_at_end is not None:
            return self._cpu_seconds_at_end
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident or 0))

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, self._host, 0, limit=_CHUNK, backlog=512)
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.endpoint = f"http://{host}:{server.sockets[0].getsockname()[1]}"
        self._listening.set()
        await self._stop.wait()
        server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._cpu_seconds_at_end = time.thread_time()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        connection = _Connection(self, _Peer(reader, writer), self._upstream)
        # Either side may close a kept-alive connection at any time.
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await connection.serve()
        connection.close()


@dataclass(frozen=True)
class _Peer:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def is_closed(self) -> bool:
        return self.reader.at_eof() or self.writer.is_closing()


class _Connection:
    """The connection of a client, and the connection to the server for its requests."""

    def __init__(self, proxy: S3Proxy, client: _Peer, upstream: tuple[str, int]) -> None:
        self._proxy, self._client, self._upstream = proxy, client, upstream
        self._server: _Peer | None = None

    async def serve(self) -> None:
        while True:
            head = await self._client.head()
            arrived = time.monotonic()
            request = _request(head)
            self._proxy.requests.append(request)
            fault = self._proxy.hook(request) if self._proxy.hook else None
            if isinstance(fault, Response):
                await self._answer(head, arrived, fault)
                continue
            if isinstance(fault, Stall):
                await asyncio.sleep(fault.seconds)
            await self._pass_on(head, arrived, fault if isinstance(fault, Cut) else None)

    def close(self) -> None:
        for peer in (self._client, self._server):
            if peer is not None:
                peer.writer.close()

    async def _answer(self, head: bytes, arrived: float, response: Response) -> None:
        async for _ in _body(self._client.reader, head):
            pass
        await self._delay(arrived)
        # A response to HEAD has no body, even with a Content-Length.
        body = b"" if head.startswith(b"HEAD ") else response.body
        status = HTTPStatus(response.status)
        lines = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/xml\r\n"
        await self._client.send(f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def _pass_on(self, head: bytes, arrived: float, cut: Cut | None) -> None:
        server = await self._connected()
        await server.send(head)
        if _header(head, b"expect"):
            interim = await server.head()
            await self._client.send(interim)
            if not interim.startswith(_CONTINUE):
                await self._relay_body(server, head, interim)
                return
        async for part in _body(self._client.reader, head):
            await server.send(part)
        answer = await server.head()
        await self._delay(arrived)
        if cut is not None:
            # The server has executed the request, but the client does not know that.
            first = await server.reader.read(cut.body_bytes) if cut.body_bytes > 0 else b""
            await self._client.send(answer + first if cut.body_bytes >= 0 else b"")
            raise ConnectionResetError
        self._client.writer.write(answer)
        await self._relay_body(server, head, answer)

    async def _relay_body(self, server: _Peer, head: bytes, answer: bytes) -> None:
        if not head.startswith(b"HEAD ") and answer[9:12] not in (b"204", b"304"):
            async for part in _body(server.reader, answer):
                await self._client.send(part)
        await self._client.writer.drain()

    async def _connected(self) -> _Peer:
        if self._server is not None and self._server.is_closed():
            self._server.writer.close()
            self._server = None
        if self._server is None:
            self._server = _Peer(*await asyncio.open_connection(*self._upstream, limit=_CHUNK))
        return self._server

    async def _delay(self, arrived: float) -> None:
        if self._proxy.delay_seconds > 0:
            due = arrived + self._proxy.delay_seconds
            await asyncio.sleep(due - time.monotonic())


async def _body(reader: asyncio.StreamReader, head: bytes) -> AsyncIterator[bytes]:
    """The bytes of a message body as they arrive, including the framing."""
    if b"chunked" in _header(head, b"transfer-encoding"):
        size = -1
        while size != 0:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield line
            async for part in _exactly(reader, size + 2):
                yield part
        return
    async for part in _exactly(reader, int(_header(head, b"content-length") or 0)):
        yield part


async def _exactly(reader: asyncio.StreamReader, count: int) -> AsyncIterator[bytes]:
    while count > 0:
        part = await reader.read(min(count, _CHUNK))
        if not part:
            raise asyncio.IncompleteReadError(part, count)
        count -= len(part)
        yield part


def _header(head: bytes, name: bytes) -> bytes:
    """The value of a header; empty if it is missing."""
    start = head.lower().find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    return head[start + len(name) + 3 : head.index(b"\r\n", start + 2)].strip().lower()


def _request(head: bytes) -> Request:
    method, target, _ = head[: head.index(b"\r\n")].decode("latin-1").split(" ")
    path, _, query = target.partition("?")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    kind = method
    if method == "GET" and not key:
        kind = "LIST"
    elif method == "GET" and any(name in query for name in ("uploadId", "tagging", "acl")):
        kind = "OTHER"
    elif method == "PUT" and _header(head, b"x-amz-copy-source"):
        kind = "COPY"
    return Request(kind, bucket, key, query)
