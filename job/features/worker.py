"""The worker function: fetches, decodes and featurizes images, overlapped."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from job import schemas
from job.features.feature_encoding import encode_features
from job.features.network import NetworkSpec, network
from job.images.decode import BadImageError, DecodeRules, decode, thumbnail
from job.images.fetch import FetchedImage, FetchLimits, ListedImage, fetch_images
from job.images.s3a_config import StoreSettings

T = TypeVar("T")
ArrowBatches = Iterable[pa.RecordBatch]

OUTCOME = to_arrow_schema(schemas.OUTCOME_SCHEMA)
# Decoded batches in the queue of the network: enough to hide a slow decode, 1.2 MB each.
_PREFETCHED_BATCHES = 4
# The minimum of decoded images per Arrow batch, because a batch has a high fixed cost.
_MIN_DECODED = 8
# The size of a message to the JVM, and the longest wait for it: the JVM counts the progress.
_ROWS_PER_MESSAGE = 64
_SECONDS_PER_MESSAGE = 2.0


@dataclass(frozen=True)
class WorkerSpec:
    """All that a worker needs; picklable, without secrets.

    With `store` None the rows contain the bytes of the images (the s3a reader).
    """

    network: NetworkSpec
    rules: DecodeRules
    limits: FetchLimits
    store: StoreSettings | None


@dataclass(frozen=True)
class _Decoded:
    """One image after decoding: `rgb` uint8 (height, width, 3), or None with a reason."""

    image: ListedImage
    rgb: np.ndarray[Any, np.dtype[np.uint8]] | None = None
    reason: str | None = None
    detail: str | None = None
    thumbnail: bytes | None = None


def featurizer(spec: WorkerSpec) -> Callable[[ArrowBatches], ArrowBatches]:
    """The function for mapInArrow: WORK_SCHEMA (with `content` for s3a) to OUTCOME_SCHEMA."""

    def featurize(batches: ArrowBatches) -> ArrowBatches:
        decoded = (_decode(fetched, spec.rules) for fetched in _fetched(batches, spec))
        chunks = _chunks(decoded, _chunk_size(spec.network.batch_size))
        # On one core a second thread only competes for the caches; requests overlap anyway.
        if spec.network.threads > 1:
            chunks = prefetch(chunks, _PREFETCHED_BATCHES)
        yield from coalesce_batches(_outcome_batch(chunk, spec.network) for chunk in chunks)

    return featurize


def coalesce_batches(batches: ArrowBatches) -> ArrowBatches:
    """The rows of `batches` in fewer messages: waking the JVM costs more than a few rows."""
    pending: list[pa.RecordBatch] = []
    rows, started = 0, time.monotonic()
    for batch in batches:
        pending.append(batch)
        rows += batch.num_rows
        if rows >= _ROWS_PER_MESSAGE or time.monotonic() > started + _SECONDS_PER_MESSAGE:
            yield pa.concat_batches(pending)
            pending, rows, started = [], 0, time.monotonic()
    if pending:
        yield pa.concat_batches(pending)


def prefetch(items: Iterable[T], depth: int) -> Generator[T]:
    """Yield `items` in order while a thread computes up to `depth` of them in advance.

    Raises the errors of the thread. Closing this iterator ends the thread.
    """
    results: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=depth)
    closed = threading.Event()
    producer = threading.Thread(target=_produce, args=(items, results, closed), daemon=True)
    producer.start()
    try:
        while True:
            kind, value = results.get()
            if kind == "item":
                yield value
            elif kind == "error":
                raise value
            else:
                return
    finally:
        closed.set()
        producer.join()


def _produce(
    items: Iterable[T], results: queue.Queue[tuple[str, Any]], closed: threading.Event
) -> None:
    def put(kind: str, value: Any) -> None:
        while not closed.is_set():
            try:
                results.put((kind, value), timeout=0.1)
            except queue.Full:
                continue
            break

    try:
        for item in items:
            put("item", item)
            if closed.is_set():
                return
        put("end", None)
    except BaseException as error:
        # The consuming thread raises it.
        put("error", error)


def _fetched(batches: ArrowBatches, spec: WorkerSpec) -> Iterator[FetchedImage]:
    if spec.store is not None:
        return fetch_images(_listed_images(batches), spec.store, spec.limits)
    return (
        FetchedImage(_listed_image(row), row[schemas.CONTENT])
        for batch in batches
        for row in batch.to_pylist()
    )


def _listed_images(batches: ArrowBatches) -> Iterator[ListedImage]:
    for batch in batches:
        for row in batch.to_pylist():
            yield _listed_image(row)


def _listed_image(row: dict[str, Any]) -> ListedImage:
    return ListedImage(
        path=row[schemas.PATH],
        label=row[schemas.LABEL],
        length=row[schemas.LENGTH],
        etag=row[schemas.ETAG],
        modification_time=row[schemas.MODIFICATION_TIME],
        wants_thumbnail=bool(row[schemas.WANTS_THUMBNAIL]),
    )


def _decode(fetched: FetchedImage, rules: DecodeRules) -> _Decoded:
    image = fetched.image
    if fetched.data is None:
        return _Decoded(image, reason=fetched.reason, detail=fetched.detail)
    try:
        rgb = decode(fetched.data, rules)
    except BadImageError as error:
        return _Decoded(image, reason=error.reason, detail=error.detail)
    return _Decoded(image, rgb, thumbnail=thumbnail(rgb) if image.wants_thumbnail else None)


def _chunk_size(batch_size: int) -> int:
    """The images of whole forward passes, at least _MIN_DECODED."""
    return -(-_MIN_DECODED // batch_size) * batch_size


def _chunks(decoded: Iterator[_Decoded], size: int) -> Iterator[list[_Decoded]]:
    """Lists of `size` good images, with the bad images between them."""
    chunk: list[_Decoded] = []
    good = 0
    for item in decoded:
        chunk.append(item)
        good += item.rgb is not None
        if good == size or len(chunk) == 4 * size:
            yield chunk
            chunk, good = [], 0
    if chunk:
        yield chunk


def _outcome_batch(chunk: list[_Decoded], spec: NetworkSpec) -> pa.RecordBatch:
    images = [item.image for item in chunk]
    columns = {
        schemas.PATH: [image.path for image in images],
        schemas.LABEL: [image.label for image in images],
        schemas.LENGTH: [image.length for image in images],
        schemas.ETAG: [image.etag for image in images],
        schemas.MODIFICATION_TIME: [image.modification_time for image in images],
        schemas.FEATURES: _features_column(chunk, spec),
        schemas.REASON: [item.reason for item in chunk],
        schemas.DETAIL: [item.detail for item in chunk],
        schemas.THUMBNAIL: [item.thumbnail for item in chunk],
    }
    return pa.RecordBatch.from_pydict(columns, schema=OUTCOME)


def _features_column(chunk: list[_Decoded], spec: NetworkSpec) -> list[bytes | None]:
    """The encoded features of each item; None for bad images."""
    good = [item.rgb for item in chunk if item.rgb is not None]
    features = iter(network(spec).features(np.stack(good)) if good else ())
    return [None if item.rgb is None else encode_features(next(features)) for item in chunk]
