"""The one lister: every object under the input that the glob wants, streamed from many prefixes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain, islice
from typing import Protocol

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from job import schemas
from job.config import ImagesConfig
from job.errors import AccessDeniedError, InputNotFoundError
from job.images.fetch import s3_objects
from job.images.local_client import files_below, stored_file, subfolders
from job.images.s3a_client import HadoopObjects
from job.images.s3a_config import StoreSettings
from job.images.storage import (
    BucketMissingError,
    ForbiddenError,
    Page,
    StoredObject,
    all_pages,
    bucket_missing,
    retrying,
)
from job.paths import (
    LOCAL_SCHEME,
    canonical_path,
    glob_matcher,
    label_of,
    literal_prefix,
    relative_to,
    split_path,
)

# How a unit is listed: all below a prefix, the objects right in it, or the object of that name.
ALL, HERE, OBJECT = "all", "here", "object"

_RETRY_SECONDS = 180.0
# Before the work starts a person waits for an answer.
_CHECK_SECONDS = 5.0
# The driver looks this many folders down for prefixes, and at this many pages of each.
_LEVELS = 4
_PAGES_OF_PREFIXES = 20
_PREFIXES_PER_SLOT = 4
_ROWS_PER_BATCH = 1_000
# What the driver holds at a time when it lists through Hadoop: about 20 MB.
_ROWS_PER_CHUNK = 100_000


class PageSource(Protocol):
    """What lists keys a page at a time: S3Objects, HadoopObjects."""

    def page(
        self, bucket: str, prefix: str, *, delimiter: bool = False, token: str | None = None
    ) -> Page:
        """One page of what begins with `prefix`."""


@dataclass(frozen=True)
class _Unit:
    """What one step of a task lists; `prefix` is a key prefix, or a local path."""

    prefix: str
    how: str


BatchFunction = Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]


def list_images(
    spark: SparkSession,
    images: ImagesConfig,
    settings: StoreSettings | None,
    warm_up: Callable[[], None] | None = None,
) -> DataFrame:
    """Every object under the input that matches the glob, once: LISTING_SCHEMA.

    Hidden and extensionless objects too, but no zero-byte keys that end in `/`. The driver finds
    prefixes and the executors list them page by page. With `settings` None an S3 input is listed
    by the driver through the client of s3a, in chunks that do not stay there. `warm_up` is called
    on the workers that list, before they do.
    """
    input_path = canonical_path(images.input_path)
    glob_matcher(images.glob)
    scheme, bucket, key = split_path(input_path)
    if scheme == LOCAL_SCHEME:
        units = _expanded(_local_units(key, images.glob), _local_children, _wanted(spark))
    elif settings is not None:
        pages = _pages_of(s3_objects(settings), bucket)
        units = _expanded(_s3_units(key, images.glob), _s3_children(pages), _wanted(spark))
    else:
        pages = _pages_of(HadoopObjects(spark), bucket)
        found = chain.from_iterable(_s3_listed(pages, unit) for unit in _s3_units(key, images.glob))
        return _from_driver(spark, _batches(found, images))
    tasks = max(1, min(len(units), _wanted(spark)))
    lister = _lister(images, settings, [units[task::tasks] for task in range(tasks)])
    # A task is a number: rows that name the units would be shuffled first, a job of a second.
    numbers = spark.range(0, tasks, 1, tasks)
    return numbers.mapInArrow(_after(warm_up, lister), schemas.LISTING_SCHEMA)


def _after(warm_up: Callable[[], None] | None, lister: BatchFunction) -> BatchFunction:
    if warm_up is None:
        return lister

    def warm_up_and_list(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        warm_up()
        yield from lister(batches)

    return warm_up_and_list


def check_input(spark: SparkSession, images: ImagesConfig, settings: StoreSettings | None) -> None:
    """Say within seconds that the input cannot be listed, before any work starts.

    Raises InputNotFoundError for a missing bucket or folder, or an empty one; AccessDeniedError
    for refused or missing credentials; TransportError for an endpoint that does not answer;
    InvalidValueError for a glob that cannot be read.
    """
    glob_matcher(images.glob)
    if next(first_objects(spark, images, settings), None) is None:
        raise InputNotFoundError(
            f"there is nothing under {canonical_path(images.input_path)}",
            expected="a folder with images, or one image",
            fix="check --input: names are case-sensitive",
        )


def first_objects(
    spark: SparkSession, images: ImagesConfig, settings: StoreSettings | None
) -> Iterator[StoredObject]:
    """What is under the input, as it is listed, whatever the glob; for a look at a few.

    Raises what `check_input` raises, but for an empty folder.
    """
    scheme, bucket, key = split_path(canonical_path(images.input_path))
    if scheme == LOCAL_SCHEME:
        yield from _local_objects(key)
        return
    source = HadoopObjects(spark) if settings is None else s3_objects(settings)
    pages = _pages_of(source, bucket, _CHECK_SECONDS)
    for unit in _s3_units(key, "**"):
        yield from _s3_listed(pages, unit)


def _local_objects(path: str) -> Iterator[StoredObject]:
    try:
        if os.path.isfile(path):
            yield stored_file(path, os.stat(path))
        else:
            yield from files_below(path, recursive=True)
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError as error:
        raise AccessDeniedError(
            f"{error.filename} cannot be read",
            expected="read permission",
            fix="change its mode or owner",
        ) from error


def _wanted(spark: SparkSession) -> int:
    return _PREFIXES_PER_SLOT * spark.sparkContext.defaultParallelism


def _expanded(
    units: list[_Unit], children: Callable[[str], list[_Unit] | None], wanted: int
) -> list[_Unit]:
    """`units` with prefixes replaced by those below them, until there are about `wanted`."""
    for _ in range(_LEVELS):
        if len(units) >= wanted:
            break
        units = [
            below
            for unit in units
            for below in (children(unit.prefix) if unit.how == ALL else None) or [unit]
        ]
    return units


def _s3_units(key: str, glob: str) -> list[_Unit]:
    """Everything under the folder `key` that can match, and the object of that very name."""
    if not key:
        return [_Unit(literal_prefix(glob), ALL)]
    return [_Unit(key, OBJECT), _Unit(f"{key}/{literal_prefix(glob)}", ALL)]


def _local_units(path: str, glob: str) -> list[_Unit]:
    folder = os.path.join(path, os.path.dirname(literal_prefix(glob)))
    return [_Unit(path, OBJECT), _Unit(folder.rstrip("/") or "/", ALL)]


Pages = Callable[[str, bool], Iterator[Page]]


def _pages_of(source: PageSource, bucket: str, seconds: float = _RETRY_SECONDS) -> Pages:
    """The pages of a prefix, with or without what is in folders below it."""

    def pages(prefix: str, delimiter: bool) -> Iterator[Page]:
        return all_pages(lambda token: _page(source, bucket, prefix, delimiter, token, seconds))

    return pages


def _page(
    source: PageSource, bucket: str, prefix: str, delimiter: bool, token: str | None, seconds: float
) -> Page:
    where = f"s3a://{bucket}/{prefix}"
    try:
        page: Page = retrying(seconds, where)(
            source.page, bucket, prefix, delimiter=delimiter, token=token
        )
    except BucketMissingError as error:
        raise bucket_missing(bucket) from error
    except ForbiddenError as error:
        raise AccessDeniedError(
            f"listing {where} is refused ({error})",
            expected="credentials with s3:ListBucket and s3:GetObject",
            fix="check the role or the keys, and the bucket policy",
        ) from error
    return page


def _s3_children(pages: Pages) -> Callable[[str], list[_Unit] | None]:
    """The folders right below a prefix, None if there are too many to look at."""

    def children(prefix: str) -> list[_Unit] | None:
        first = list(islice(pages(prefix, True), _PAGES_OF_PREFIXES))
        if first[-1].next_token is not None:
            return None
        below = [_Unit(folder, ALL) for page in first for folder in page.folders]
        if any(page.objects for page in first):
            below.append(_Unit(prefix, HERE))
        return below

    return children


def _local_children(folder: str) -> list[_Unit] | None:
    if not os.path.isdir(folder):
        return None
    return [_Unit(folder, HERE), *(_Unit(below, ALL) for below in subfolders(folder))]


def _lister(
    images: ImagesConfig, settings: StoreSettings | None, units: list[list[_Unit]]
) -> BatchFunction:
    """What lists the units of each task whose number it is given."""
    scheme, bucket, _ = split_path(canonical_path(images.input_path))

    def list_units(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tasks = chain.from_iterable(batch.column(0).to_pylist() for batch in batches)
        of_tasks = chain.from_iterable(units[task] for task in tasks)
        objects = _local_listed
        if scheme != LOCAL_SCHEME:
            assert settings is not None
            objects = partial(_s3_listed, _pages_of(s3_objects(settings), bucket))
        yield from _batches(chain.from_iterable(map(objects, of_tasks)), images)

    return list_units


def _s3_listed(pages: Pages, unit: _Unit) -> Iterator[StoredObject]:
    for page in pages(unit.prefix, unit.how == HERE):
        for found in page.objects:
            is_folder_marker = found.length == 0 and found.path.endswith("/")
            if unit.how != OBJECT or split_path(found.path)[2] == unit.prefix:
                yield from () if is_folder_marker else (found,)
        if unit.how == OBJECT:
            # Keys come in order: the object of that very name is the first of all.
            return


def _local_listed(unit: _Unit) -> Iterator[StoredObject]:
    if unit.how == OBJECT:
        if os.path.isfile(unit.prefix):
            yield stored_file(unit.prefix, os.stat(unit.prefix))
    elif os.path.isdir(unit.prefix):
        yield from files_below(unit.prefix, recursive=unit.how == ALL)


def _batches(listed: Iterable[StoredObject], images: ImagesConfig) -> Iterator[pa.RecordBatch]:
    """LISTING_SCHEMA of those that the glob wants, some at a time."""
    input_path = canonical_path(images.input_path)
    matches = glob_matcher(images.glob)

    def wanted(found: StoredObject) -> bool:
        relative = relative_to(found.path, input_path)
        return relative is not None and matches(relative)

    rows = filter(wanted, listed)
    while chunk := list(islice(rows, _ROWS_PER_BATCH)):
        yield _batch(chunk, images.label_level)


def _batch(chunk: list[StoredObject], label_level: int) -> pa.RecordBatch:
    columns = {
        schemas.PATH: [found.path for found in chunk],
        schemas.LABEL: [label_of(found.path, label_level) for found in chunk],
        schemas.LENGTH: [found.length for found in chunk],
        schemas.ETAG: [found.etag for found in chunk],
        schemas.MODIFICATION_TIME: [found.modification_time for found in chunk],
    }
    return pa.RecordBatch.from_pydict(columns, schema=to_arrow_schema(schemas.LISTING_SCHEMA))


def _from_driver(spark: SparkSession, batches: Iterator[pa.RecordBatch]) -> DataFrame:
    """A DataFrame of what the driver lists; each chunk leaves it before the next is made."""
    frames = []
    while chunk := list(islice(batches, _ROWS_PER_CHUNK // _ROWS_PER_BATCH)):
        rows = spark.createDataFrame(pa.Table.from_batches(chunk), schemas.LISTING_SCHEMA)
        frames.append(rows.localCheckpoint())
    if not frames:
        return spark.createDataFrame([], schemas.LISTING_SCHEMA)
    return reduce(DataFrame.unionAll, frames)
