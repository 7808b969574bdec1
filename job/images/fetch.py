"""The concurrent reader: one GET per image, many in flight, bounded by number and bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from queue import SimpleQueue

from job.errors import InputNotFoundError
from job.images.local_client import read_file
from job.images.s3_client import S3Client
from job.images.s3a_config import StoreSettings
from job.images.storage import (
    BucketNotFoundError,
    ForbiddenError,
    ObjectBytes,
    ObjectNotFoundError,
    StoredObject,
    retry_transient,
)
from job.paths import LOCAL_SCHEME, split_path

TOO_LARGE = "too_large"
VANISHED = "vanished"
FORBIDDEN = "forbidden"


@dataclass(frozen=True)
class ListedImage:
    """One image to read; `modification_time` in UTC, `length` in bytes."""

    path: str
    label: str | None
    length: int
    etag: str | None
    modification_time: datetime | None
    wants_thumbnail: bool = False


@dataclass(frozen=True)
class FetchedImage:
    """An image with its bytes, or with the reason why there are none.

    `image` has the length, ETag and time of the version that was read.
    """

    image: ListedImage
    data: bytes | None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class FetchLimits:
    """Limits on size and concurrency, and how long to retry a store that does not answer.

    `in_flight` and `bytes_in_flight` bound the images requested and not yet taken. A larger
    object is fetched alone.
    """

    max_image_bytes: int
    retry_seconds: float = 180.0
    in_flight: int = 64
    bytes_in_flight: int = 64 * 1024 * 1024


# Reads the object at a path; returns no bytes if it is longer than the given number.
Reader = Callable[[str, int], ObjectBytes]


def fetch_images(
    rows: Iterable[ListedImage], settings: StoreSettings, limits: FetchLimits
) -> Iterator[FetchedImage]:
    """Each of `rows` once, in the order of arrival, with bytes or a reason.

    Raises TransportError if the store does not answer for `limits.retry_seconds`,
    InputNotFoundError if the bucket is gone, AccessDeniedError without credentials.
    """
    return fetch_with(object_reader(settings), rows, limits)


def fetch_with(
    read: Reader, rows: Iterable[ListedImage], limits: FetchLimits
) -> Generator[FetchedImage]:
    """`fetch_images` with any reader.

    Requests run while the caller computes. When half of them are taken, as many start at once: a
    single request wakes all threads and the server, and costs twice the CPU of one in a group.
    """
    pending = iter(rows)
    image = next(pending, None)
    arrived: SimpleQueue[Future[FetchedImage]] = SimpleQueue()
    lengths: dict[Future[FetchedImage], int] = {}
    count = size = 0
    stopped = threading.Event()
    pool = ThreadPoolExecutor(limits.in_flight, thread_name_prefix="fetch")
    try:
        while count or image is not None:
            refill = count <= limits.in_flight // 2
            while refill and image is not None and _fits(image, count, size, limits):
                future = pool.submit(_fetch_image, image, read, limits, stopped)
                future.add_done_callback(arrived.put)
                lengths[future] = image.length
                count, size, image = count + 1, size + image.length, next(pending, None)
            done = arrived.get()
            length = lengths.pop(done)
            count, size = count - 1, size - length
            yield done.result()
    finally:
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _fits(image: ListedImage, count: int, size: int, limits: FetchLimits) -> bool:
    return count == 0 or (
        count < limits.in_flight and size + image.length <= limits.bytes_in_flight
    )


def _fetch_image(
    image: ListedImage, read: Reader, limits: FetchLimits, stopped: threading.Event
) -> FetchedImage:
    """Fetch one image; an object that is listed as too large is not requested."""
    if image.length > limits.max_image_bytes:
        return _too_large(image, limits.max_image_bytes)
    try:
        for attempt in retry_transient(limits.retry_seconds, image.path, stopped):
            with attempt:
                return _fetched(image, read(image.path, limits.max_image_bytes), limits)
    except ObjectNotFoundError as error:
        return FetchedImage(image, None, VANISHED, str(error))
    except ForbiddenError as error:
        return FetchedImage(image, None, FORBIDDEN, str(error))
    except BucketNotFoundError as error:
        raise InputNotFoundError(
            f"the bucket of {image.path} is gone",
            expected="a bucket that stays during the run",
            fix=str(error),
        ) from error
    raise AssertionError("retry_transient ends with a result or an error")


def _fetched(image: ListedImage, content: ObjectBytes, limits: FetchLimits) -> FetchedImage:
    image = _with_version(image, content.version)
    if content.data is None:
        return _too_large(image, limits.max_image_bytes)
    return FetchedImage(image, content.data)


def _too_large(image: ListedImage, max_bytes: int) -> FetchedImage:
    return FetchedImage(image, None, TOO_LARGE, f"{image.length:,} bytes, at most {max_bytes:,}")


def _with_version(image: ListedImage, version: StoredObject) -> ListedImage:
    if (image.etag, image.length) == (version.etag, version.length):
        return image
    return replace(
        image,
        length=version.length,
        etag=version.etag,
        modification_time=version.modification_time,
    )


def object_reader(settings: StoreSettings) -> Reader:
    """The Reader for workers: it reads local paths from the disk and others from S3."""

    def read(path: str, max_bytes: int) -> ObjectBytes:
        scheme, bucket, key = split_path(path)
        if scheme == LOCAL_SCHEME:
            return read_file(key, max_bytes)
        return shared_s3_client(settings).get(bucket, key, max_bytes)

    return read


@lru_cache(maxsize=4)
def shared_s3_client(settings: StoreSettings) -> S3Client:
    """The client of this process; all its tasks share connections and credentials."""
    return S3Client(settings)
