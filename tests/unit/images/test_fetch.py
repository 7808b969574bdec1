"""The concurrent reader: each image once, bounded, retried, with reasons for bad objects only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from job.errors import AccessDeniedError, InputNotFoundError, TransportError
from job.images.fetch import (
    FetchedImage,
    FetchLimits,
    ListedImage,
    Reader,
    fetch_images,
    fetch_with,
)
from job.images.local_client import stored_file
from job.images.s3a_config import StoreSettings
from job.images.storage import (
    BucketNotFoundError,
    ForbiddenError,
    ObjectBytes,
    ObjectNotFoundError,
    StoredObject,
    TransientError,
    error_from_response,
)

THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LIMITS = FetchLimits(max_image_bytes=1_000)


def test_every_local_file_comes_once_with_its_bytes(tmp_path: Path) -> None:
    names = ["plain.jpg", "a b%20.jpg", "_x", ".y", "é#?*[z]{a}", "new\nline"]
    for name in names:
        (tmp_path / name).write_text(name)
    rows = [_on_disk(tmp_path / name) for name in names]
    fetched = list(fetch_images(rows, StoreSettings(), LIMITS))
    assert {item.image.path: item.data for item in fetched} == {
        f"file://{tmp_path}/{name}": name.encode() for name in names
    }
    assert {item.image for item in fetched} == set(rows)


def test_a_row_describes_the_version_that_was_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"old")
    listed = _on_disk(path)
    path.write_bytes(b"newer")
    (fetched,) = fetch_images([listed], StoreSettings(), LIMITS)
    assert fetched.data == b"newer"
    assert fetched.image == _on_disk(path) != listed


def test_each_bad_object_has_its_reason() -> None:
    errors = {
        "gone": ObjectNotFoundError("404 NoSuchKey"),
        "secret": ForbiddenError("403 AccessDenied"),
    }
    rows = [_listed("gone"), _listed("secret"), _listed("huge", length=1_001), _listed("good")]
    fetched = _by_name(fetch_with(_reader(errors), rows, LIMITS))
    assert _reason(fetched["gone"]) == ("vanished", "404 NoSuchKey")
    assert _reason(fetched["secret"]) == ("forbidden", "403 AccessDenied")
    assert _reason(fetched["huge"]) == ("too_large", "1,001 bytes, at most 1,000")
    assert fetched["good"].data == b"good"


def test_an_object_listed_as_too_large_is_not_requested() -> None:
    requested: list[str] = []
    rows = [_listed("huge", length=1_001)]
    list(fetch_with(_reader({}, requested.append), rows, LIMITS))
    assert requested == []


def test_an_object_that_grew_after_the_listing_is_too_large() -> None:
    def read(path: str, max_bytes: int) -> ObjectBytes:
        return ObjectBytes(StoredObject(path, max_bytes + 1, "new", THEN), None)

    (fetched,) = fetch_with(read, [_listed("x")], LIMITS)
    assert _reason(fetched)[0] == "too_large"
    assert (fetched.image.length, fetched.image.etag) == (1_001, "new")


def test_transient_errors_are_retried_and_leave_no_reason() -> None:
    failures = iter([TransientError("503"), TransientError("403 ExpiredToken")])

    def read(path: str, max_bytes: int) -> ObjectBytes:
        for failure in failures:
            raise failure
        return _object(path, b"good")

    (fetched,) = fetch_with(read, [_listed("x")], LIMITS)
    assert fetched.data == b"good"


def test_a_store_that_does_not_answer_raises_a_transport_error() -> None:
    limits = FetchLimits(max_image_bytes=1_000, retry_seconds=0.5)
    with pytest.raises(TransportError, match="did not answer") as raised:
        list(fetch_with(_reader({"x": TransientError("503 SlowDown")}), [_listed("x")], limits))
    assert "503 SlowDown" in str(raised.value)


def test_credentials_refused_until_the_timeout_raise_access_denied() -> None:
    limits = FetchLimits(max_image_bytes=1_000, retry_seconds=0.2)
    errors = {"x": error_from_response("ExpiredToken", 403, "403 ExpiredToken")}
    with pytest.raises(AccessDeniedError, match="refused"):
        list(fetch_with(_reader(errors), [_listed("x")], limits))


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchKey", 404, ObjectNotFoundError),
        ("AccessDenied", 403, ForbiddenError),
        ("InvalidObjectState", 403, ForbiddenError),
        ("KMS.DisabledException", 400, ForbiddenError),
        ("KMS.KMSInvalidStateException", 400, ForbiddenError),
        ("KMS.ThrottlingException", 400, TransientError),
        ("KMS.KeyUnavailableException", 500, TransientError),
        ("NoSuchBucket", 404, BucketNotFoundError),
        ("ExpiredToken", 400, TransientError),
        ("RequestTimeTooSkewed", 403, TransientError),
        ("SlowDown", 503, TransientError),
        (None, 500, TransientError),
        (None, None, TransientError),
    ],
)
def test_only_object_errors_are_not_transient(
    code: str | None, status: int | None, kind: type[Exception]
) -> None:
    assert isinstance(error_from_response(code, status, "text"), kind)


def test_a_deleted_bucket_ends_the_run() -> None:
    errors = {"x": BucketNotFoundError("404 NoSuchBucket")}
    with pytest.raises(InputNotFoundError, match="is gone"):
        list(fetch_with(_reader(errors), [_listed("x")], LIMITS))


def test_closing_the_iterator_does_not_wait_for_retries() -> None:
    errors = {str(i): TransientError("503") for i in range(1, 10)}
    rows = [_listed(str(i)) for i in range(10)]
    images = fetch_with(_reader(errors), rows, LIMITS)
    next(images)
    started = time.monotonic()
    images.close()
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (FetchLimits(max_image_bytes=1_000, in_flight=4), 4),
        (FetchLimits(max_image_bytes=1_000, bytes_in_flight=300), 3),
        (FetchLimits(max_image_bytes=1_000, bytes_in_flight=50), 1),
    ],
)
def test_requests_are_bounded_by_number_and_by_bytes(limits: FetchLimits, expected: int) -> None:
    counter = _ReadCounter()
    rows = [_listed(str(i), length=100) for i in range(30)]
    assert len(list(fetch_with(counter.read, rows, limits))) == 30
    assert counter.max_running == expected


def test_rows_are_taken_only_within_the_limits() -> None:
    taken: list[int] = []

    def rows() -> Iterator[ListedImage]:
        for i in range(1_000):
            taken.append(i)
            yield _listed(str(i))

    images = fetch_with(
        _reader({}),
        rows(),
        FetchLimits(max_image_bytes=1_000, in_flight=8),
    )
    next(images)
    assert len(taken) <= 10


class _ReadCounter:
    """Counts the concurrent reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self.max_running = 0

    def read(self, path: str, max_bytes: int) -> ObjectBytes:
        with self._lock:
            self._running += 1
            self.max_running = max(self.max_running, self._running)
        time.sleep(0.02)
        with self._lock:
            self._running -= 1
        return _object(path, b"x" * 100)


def _reader(
    errors: dict[str, Exception], on_read: Callable[[str], object] = lambda name: None
) -> Reader:
    def read(path: str, max_bytes: int) -> ObjectBytes:
        name = path.rpartition("/")[2]
        on_read(name)
        if name in errors:
            raise errors[name]
        return _object(path, name.encode())

    return read


def _object(path: str, data: bytes) -> ObjectBytes:
    return ObjectBytes(StoredObject(path, len(data), "etag", THEN), data)


def _listed(name: str, length: int = 4) -> ListedImage:
    return ListedImage(f"s3a://bucket/{name}", None, length, "etag", THEN)


def _on_disk(path: Path) -> ListedImage:
    stored = stored_file(str(path), path.stat())
    return ListedImage(stored.path, None, stored.length, stored.etag, stored.modification_time)


def _by_name(images: Iterable[FetchedImage]) -> dict[str, FetchedImage]:
    return {item.image.path.rpartition("/")[2]: item for item in images}


def _reason(fetched: FetchedImage) -> tuple[str | None, str | None]:
    assert fetched.data is None
    return fetched.reason, fetched.detail
