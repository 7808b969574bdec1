"""The concurrent reader: every image once, bounded, retried, and a reason only for the object."""

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


def test_a_row_tells_the_version_that_was_read_and_not_the_listed_one(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"old")
    listed = _on_disk(path)
    path.write_bytes(b"newer")
    (fetched,) = fetch_images([listed], StoreSettings(), LIMITS)
    assert fetched.data == b"newer"
    assert fetched.image == _on_disk(path) != listed


def test_each_reason_is_told() -> None:
    answers = {
        "gone": ObjectNotFoundError("404 NoSuchKey"),
        "secret": ForbiddenError("403 AccessDenied"),
    }
    rows = [_listed("gone"), _listed("secret"), _listed("huge", length=1_001), _listed("good")]
    fetched = _by_name(fetch_with(_answering(answers), rows, LIMITS))
    assert _reason(fetched["gone"]) == ("vanished", "404 NoSuchKey")
    assert _reason(fetched["secret"]) == ("forbidden", "403 AccessDenied")
    assert _reason(fetched["huge"]) == ("too_large", "1,001 bytes, at most 1,000")
    assert fetched["good"].data == b"good"


def test_what_is_listed_as_too_large_is_not_asked_for() -> None:
    asked: list[str] = []
    rows = [_listed("huge", length=1_001)]
    list(fetch_with(_answering({}, asked.append), rows, LIMITS))
    assert asked == []


def test_what_grew_since_the_listing_is_too_large_too() -> None:
    def read(path: str, max_bytes: int) -> ObjectBytes:
        return ObjectBytes(StoredObject(path, max_bytes + 1, "new", THEN), None)

    (fetched,) = fetch_with(read, [_listed("x")], LIMITS)
    assert _reason(fetched)[0] == "too_large"
    assert (fetched.image.length, fetched.image.etag) == (1_001, "new")


def test_a_refusal_that_passes_is_waited_out_and_leaves_no_reason() -> None:
    failures = iter([TransientError("503"), TransientError("403 ExpiredToken")])

    def read(path: str, max_bytes: int) -> ObjectBytes:
        for failure in failures:
            raise failure
        return _object(path, b"good")

    (fetched,) = fetch_with(read, [_listed("x")], LIMITS)
    assert fetched.data == b"good"


def test_a_store_that_stays_silent_ends_in_one_line() -> None:
    limits = FetchLimits(max_image_bytes=1_000, retry_seconds=0.5)
    with pytest.raises(TransportError, match="did not answer") as raised:
        list(fetch_with(_answering({"x": TransientError("503 SlowDown")}), [_listed("x")], limits))
    assert "503 SlowDown" in str(raised.value)


def test_credentials_that_stay_refused_are_called_so() -> None:
    limits = FetchLimits(max_image_bytes=1_000, retry_seconds=0.2)
    answers = {"x": error_from_response("ExpiredToken", 403, "403 ExpiredToken")}
    with pytest.raises(AccessDeniedError, match="refused"):
        list(fetch_with(_answering(answers), [_listed("x")], limits))


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchKey", 404, ObjectNotFoundError),
        ("AccessDenied", 403, ForbiddenError),
        ("InvalidObjectState", 403, ForbiddenError),
        ("NoSuchBucket", 404, BucketNotFoundError),
        ("ExpiredToken", 400, TransientError),
        ("RequestTimeTooSkewed", 403, TransientError),
        ("SlowDown", 503, TransientError),
        (None, 500, TransientError),
        (None, None, TransientError),
    ],
)
def test_a_refusal_is_of_the_object_only_if_it_says_so(
    code: str | None, status: int | None, kind: type[Exception]
) -> None:
    assert isinstance(error_from_response(code, status, "text"), kind)


def test_a_bucket_that_goes_is_no_reason_for_quarantine() -> None:
    answers = {"x": BucketNotFoundError("404 NoSuchBucket")}
    with pytest.raises(InputNotFoundError, match="is gone"):
        list(fetch_with(_answering(answers), [_listed("x")], LIMITS))


def test_a_caller_that_stops_is_not_kept_waiting() -> None:
    answers = {str(i): TransientError("503") for i in range(1, 10)}
    rows = [_listed(str(i)) for i in range(10)]
    images = fetch_with(_answering(answers), rows, LIMITS)
    next(images)
    started = time.monotonic()
    images.close()
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (FetchLimits(max_image_bytes=1_000, in_flight=4), 4),
        (FetchLimits(max_image_bytes=1_000, bytes_in_flight=300), 3),
        (FetchLimits(max_image_bytes=1_000, bytes_in_flight=50), 1),
    ],
)
def test_requests_are_bounded_by_number_and_by_bytes(limits: FetchLimits, most: int) -> None:
    watch = _Watch()
    rows = [_listed(str(i), length=100) for i in range(30)]
    assert len(list(fetch_with(watch.read, rows, limits))) == 30
    assert watch.most == most


def test_rows_are_taken_only_as_there_is_room() -> None:
    taken: list[int] = []

    def rows() -> Iterator[ListedImage]:
        for i in range(1_000):
            taken.append(i)
            yield _listed(str(i))

    images = fetch_with(
        _answering({}),
        rows(),
        FetchLimits(max_image_bytes=1_000, in_flight=8),
    )
    next(images)
    assert len(taken) <= 10


class _Watch:
    """Counts how many reads are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def read(self, path: str, max_bytes: int) -> ObjectBytes:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.02)
        with self._lock:
            self._now -= 1
        return _object(path, b"x" * 100)


def _answering(
    answers: dict[str, Exception], told: Callable[[str], object] = lambda name: None
) -> Reader:
    def read(path: str, max_bytes: int) -> ObjectBytes:
        name = path.rpartition("/")[2]
        told(name)
        if name in answers:
            raise answers[name]
        return _object(path, name.encode())

    return read


def _object(path: str, data: bytes) -> ObjectBytes:
    return ObjectBytes(StoredObject(path, len(data), "etag", THEN), data)


def _listed(name: str, length: int = 4) -> ListedImage:
    return ListedImage(f"s3a://bucket/{name}", None, length, "etag", THEN)


def _on_disk(path: Path) -> ListedImage:
    found = stored_file(str(path), path.stat())
    return ListedImage(found.path, None, found.length, found.etag, found.modification_time)


def _by_name(images: Iterable[FetchedImage]) -> dict[str, FetchedImage]:
    return {item.image.path.rpartition("/")[2]: item for item in images}


def _reason(fetched: FetchedImage) -> tuple[str | None, str | None]:
    assert fetched.data is None
    return fetched.reason, fetched.detail
