"""The one function that runs on workers: fetch, decode and featurize, overlapped."""

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
from job.features.feature_encoding import packed
from job.features.network import NetworkSpec, network
from job.images.decode import BadImageError, DecodeRules, decode, thumbnail
from job.images.fetch import FetchedImage, FetchLimits, ListedImage, fetch_images
from job.images.s3a_config import StoreSettings

T = TypeVar("T")
ArrowBatches = Iterable[pa.RecordBatch]

OUTCOME = to_arrow_schema(schemas.OUTCOME_SCHEMA)
# Decoded batches that wait for the network: enough to hide a slow decode, 1.2 MB each.
_DECODED_AHEAD = 4
# Images that are decoded one after the other, and whose rows are made at once: what Arrow takes for
# a batch of rows is much for two of them.
_LEAST_DECODED = 8
# A message to the JVM, and how long a slow one's rows may wait: progress is counted there.
_ROWS_PER_MESSAGE = 64
_SECONDS_PER_MESSAGE = 2.0


@dataclass(frozen=True)
class WorkerSpec:
    """All that a worker needs; picklable, without secrets.

    `store` None means that the rows bring their bytes (the s3a reader).
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
    """The function for mapInArrow: WORK_SCHEMA (for s3a with `content`) to OUTCOME_SCHEMA."""

    def featurize(batches: ArrowBatches) -> ArrowBatches:
        decoded = (_decode(fetched, spec.rules) for fetched in _fetched(batches, spec))
        chunks = _chunks(decoded, _chunk_size(spec.network.batch_size))
        # On one core a second thread only takes the caches from the first; requests run anyway.
        if spec.network.threads > 1:
            chunks = ahead(chunks, _DECODED_AHEAD)
        yield from joined(_outcome(chunk, spec.network) for chunk in chunks)

    return featurize


def joined(batches: ArrowBatches) -> ArrowBatches:
    """The rows of `batches` in fewer messages: waking the JVM costs more than a few rows do."""
    waiting: list[pa.RecordBatch] = []
    rows, since = 0, time.monotonic()
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= _ROWS_PER_MESSAGE or time.monotonic() > since + _SECONDS_PER_MESSAGE:
            yield pa.concat_batches(waiting)
            waiting, rows, since = [], 0, time.monotonic()
    if waiting:
        yield pa.concat_batches(waiting)


def ahead(items: Iterable[T], depth: int) -> Generator[T]:
    """Yield `items` in order while a thread computes up to `depth` of them in advance.

    What the thread raises is raised here; closing this iterator ends the thread.
    """
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=depth)
    closed = threading.Event()
    producer = threading.Thread(target=_produce, args=(items, waiting, closed), daemon=True)
    producer.start()
    try:
        while True:
            kind, value = waiting.get()
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
    items: Iterable[T], waiting: queue.Queue[tuple[str, Any]], closed: threading.Event
) -> None:
    def put(kind: str, value: Any) -> None:
        while not closed.is_set():
            try:
                waiting.put((kind, value), timeout=0.1)
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
        # Not handled here: the consuming thread raises it.
        put("error", error)


def _fetched(batches: ArrowBatches, spec: WorkerSpec) -> Iterator[FetchedImage]:
    if spec.store is not None:
        return fetch_images(_listed(batches), spec.store, spec.limits)
    return (
        FetchedImage(_listed_image(row), row[schemas.CONTENT])
        for batch in batches
        for row in batch.to_pylist()
    )


def _listed(batches: ArrowBatches) -> Iterator[ListedImage]:
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
    """Whole forward passes, at least _LEAST_DECODED images."""
    return -(-_LEAST_DECODED // batch_size) * batch_size


def _chunks(decoded: Iterator[_Decoded], size: int) -> Iterator[list[_Decoded]]:
    """Lists that hold `size` good images, and the bad ones met on the way."""
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


def _outcome(chunk: list[_Decoded], spec: NetworkSpec) -> pa.RecordBatch:
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
    """Packed features of each item, None where the image is bad."""
    good = [item.rgb for item in chunk if item.rgb is not None]
    features = iter(network(spec).features(np.stack(good)) if good else ())
    return [None if item.rgb is None else packed(next(features)) for item in chunk]
