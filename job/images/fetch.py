"""The concurrent reader: one GET an image, many at once, bounded by bytes, as they arrive."""

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
from job.images.s3_client import S3Objects
from job.images.s3a_config import StoreSettings
from job.images.storage import (
    BucketMissingError,
    ForbiddenError,
    ObjectBytes,
    StoredObject,
    VanishedError,
    retrying,
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

    `image` tells length, ETag and time of the version that the bytes are.
    """

    image: ListedImage
    data: bytes | None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class FetchLimits:
    """How much is fetched at once, and how long a store that does not answer is asked again.

    `in_flight` and `bytes_in_flight` bound what is requested and not yet taken; one larger object
    goes alone.
    """

    max_image_bytes: int
    retry_seconds: float = 180.0
    in_flight: int = 64
    bytes_in_flight: int = 64 * 1024 * 1024


# Reads one path, without its bytes if they are more than the number given.
Read = Callable[[str, int], ObjectBytes]


def fetch_images(
    rows: Iterable[ListedImage], settings: StoreSettings, limits: FetchLimits
) -> Iterator[FetchedImage]:
    """Every one of `rows` once, in the order of arrival, with bytes or a reason.

    Raises TransportError if the store does not answer for `limits.retry_seconds`,
    InputNotFoundError if the bucket is gone, AccessDeniedError without credentials.
    """
    return fetch_through(reading(settings), rows, limits)


def fetch_through(
    read: Read, rows: Iterable[ListedImage], limits: FetchLimits
) -> Generator[FetchedImage]:
    """`fetch_images` by any way to read.

    Requests run on while the caller computes. When half of them are taken, as many start at once:
    a request that wakes all threads and the server by itself costs twice the CPU of one of many.
    """
    waiting = iter(rows)
    image = next(waiting, None)
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
                count, size, image = count + 1, size + image.length, next(waiting, None)
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
    image: ListedImage, read: Read, limits: FetchLimits, stopped: threading.Event
) -> FetchedImage:
    """One image; an object known to be too large is not asked for."""
    if image.length > limits.max_image_bytes:
        return _too_large(image, limits.max_image_bytes)
    try:
        for attempt in retrying(limits.retry_seconds, image.path, stopped):
            with attempt:
                return _fetched(image, read(image.path, limits.max_image_bytes), limits)
    except VanishedError as error:
        return FetchedImage(image, None, VANISHED, str(error))
    except ForbiddenError as error:
        return FetchedImage(image, None, FORBIDDEN, str(error))
    except BucketMissingError as error:
        raise InputNotFoundError(
            f"the bucket of {image.path} is gone",
            expected="it to stay during the run",
            fix=str(error),
        ) from error
    raise AssertionError("retrying ends with a result or an error")


def _fetched(image: ListedImage, found: ObjectBytes, limits: FetchLimits) -> FetchedImage:
    """`image` as the version that was read."""
    image = _as_version(image, found.version)
    if found.data is None:
        return _too_large(image, limits.max_image_bytes)
    return FetchedImage(image, found.data)


def _too_large(image: ListedImage, largest: int) -> FetchedImage:
    return FetchedImage(image, None, TOO_LARGE, f"{image.length:,} bytes, at most {largest:,}")


def _as_version(image: ListedImage, version: StoredObject) -> ListedImage:
    if (image.etag, image.length) == (version.etag, version.length):
        return image
    return replace(
        image,
        length=version.length,
        etag=version.etag,
        modification_time=version.modification_time,
    )


def reading(settings: StoreSettings) -> Read:
    """How the concurrent reader reads a path: local ones from the disk, others from S3."""

    def read(path: str, largest: int) -> ObjectBytes:
        scheme, bucket, key = split_path(path)
        if scheme == LOCAL_SCHEME:
            return read_file(key, largest)
        return s3_objects(settings).get(bucket, key, largest)

    return read


@lru_cache(maxsize=4)
def s3_objects(settings: StoreSettings) -> S3Objects:
    """The clients of this process: connections and credentials are shared by all its tasks."""
    return S3Objects(settings)
