"""A synthetic bucket of many objects without bytes: generates the responses to its listing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

from tests.support.proxy import Request, Response

INPUT_PATH = "s3a://synthetic/images"
_MODIFIED = "2026-01-02T03:04:05.000Z"
_KEYS_PER_PAGE = 1000
_PREFIX = "images/"


@dataclass(frozen=True)
class SyntheticBucket:
    """`objects` keys `images/<folder>/<number>.jpg`, evenly distributed over `folders`."""

    objects: int
    folders: int = 100

    def answer(self, request: Request) -> Response:
        """A page of ListObjectsV2; other requests are refused."""
        if request.kind != "LIST":
            return Response.error(403, "AccessDenied", "there are no bytes here")
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        prefix = query.get("prefix", "")
        if query.get("delimiter") and prefix == _PREFIX:
            return _page(self._folders())
        if not prefix.startswith(_PREFIX):
            return _page(iter(()))
        return self._keys(prefix, int(query.get("continuation-token", "0")))

    def _keys(self, prefix: str, first: int) -> Response:
        """The keys of a folder from number `first`; the keys of all folders for `images/`."""
        folder = prefix.removeprefix(_PREFIX).rstrip("/")
        start = int(folder) * self._in_folder if folder else 0
        size = self._in_folder if folder else self.objects
        last = min(first + _KEYS_PER_PAGE, size)
        entries = (self._entry(start + number) for number in range(first, last))
        return _page(entries, str(last) if last < size else None)

    def _entry(self, number: int) -> str:
        folder = number // self._in_folder
        return (
            f"<Contents><Key>{_PREFIX}{folder:04d}/{number:010d}.jpg</Key>"
            f"<LastModified>{_MODIFIED}</LastModified><ETag>{number:032x}</ETag>"
            f"<Size>{4000 + number % 2000}</Size></Contents>"
        )

    def _folders(self) -> Iterator[str]:
        for folder in range(self.folders):
            yield f"<CommonPrefixes><Prefix>{_PREFIX}{folder:04d}/</Prefix></CommonPrefixes>"

    @property
    def _in_folder(self) -> int:
        return self.objects // self.folders


def _page(entries: Iterator[str], token: str | None = None) -> Response:
    more = "true" if token else "false"
    after = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    body = f"<IsTruncated>{more}</IsTruncated>{after}{''.join(entries)}"
    text = f'<?xml version="1.0"?><ListBucketResult>{body}</ListBucketResult>'
    return Response(200, text.encode())
