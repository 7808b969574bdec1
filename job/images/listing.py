"""Lists every object under the input that matches the glob, from many prefixes in parallel."""

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
from job.images.fetch import shared_s3_client
from job.images.local_client import file_at, files_below, subfolders
from job.images.s3a_client import S3AClient
from job.images.s3a_config import StoreSettings
from job.images.storage import (
    BucketNotFoundError,
    ForbiddenError,
    Page,
    StoredObject,
    all_pages,
    bucket_not_found_error,
    retry_transient,
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

# The scope of a unit: everything below a prefix, its direct objects, or the object of that name.
RECURSIVE, DIRECT, OBJECT = "recursive", "direct", "object"

_RETRY_SECONDS = 180.0
# Short, because the user waits for the checks before the work starts.
_CHECK_SECONDS = 5.0
# The driver searches this many levels of folders for prefixes, and this many pages of each.
_MAX_LEVELS = 4
_MAX_PREFIX_PAGES = 20
_PREFIXES_PER_SLOT = 4
_ROWS_PER_BATCH = 1_000
# The rows in the driver's memory when it lists through Hadoop: about 20 MB.
_ROWS_PER_CHUNK = 100_000


class PageSource(Protocol):
    """Lists keys page by page: S3Client, S3AClient."""

    def page(
        self, bucket: str, prefix: str, *, delimiter: bool = False, token: str | None = None
    ) -> Page:
        """One page of the keys that begin with `prefix`."""


@dataclass(frozen=True)
class _Unit:
    """One step of a listing task; `prefix` is a key prefix or a local path."""

    prefix: str
    scope: str


BatchFunction = Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]


def list_images(
    spark: SparkSession, images: ImagesConfig, settings: StoreSettings | None
) -> DataFrame:
    """Every object under the input that matches the glob, once: LISTING_SCHEMA.

    Includes hidden objects and objects without extension, but no zero-byte keys that end in `/`.
    The driver finds prefixes and the executors list them page by page. With `settings` None the
    driver lists an S3 input through the client of s3a, in chunks that it does not keep.
    """
    input_path = canonical_path(images.input_path)
    glob_matcher(images.glob)
    scheme, bucket, key = split_path(input_path)
    if scheme == LOCAL_SCHEME:
        units = _expand(_local_units(key, images.glob), _local_children, _target_units(spark))
    elif settings is not None:
        pages = _page_reader(shared_s3_client(settings), bucket)
        units = _expand(_s3_units(key, images.glob), _s3_children(pages), _target_units(spark))
    else:
        pages = _page_reader(S3AClient(spark), bucket)
        units = _s3_units(key, images.glob)
        objects = chain.from_iterable(_list_s3(pages, unit) for unit in units)
        return _list_on_driver(spark, _batches(objects, images))
    tasks = max(1, min(len(units), _target_units(spark)))
    lister = _unit_lister(images, settings, [units[task::tasks] for task in range(tasks)])
    # Each row is a task number: Spark would first shuffle rows that name units, which takes 1 s.
    numbers = spark.range(0, tasks, 1, tasks)
    return numbers.mapInArrow(lister, schemas.LISTING_SCHEMA)


def check_input(spark: SparkSession, images: ImagesConfig, settings: StoreSettings | None) -> None:
    """Raise an error within seconds if the input cannot be listed.

    Raises InputNotFoundError for a bucket or folder that is missing or empty; AccessDeniedError
    for refused or missing credentials; TransportError for an endpoint that does not answer;
    InvalidValueError for an invalid glob.
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
    """The objects under the input in listing order, regardless of the glob; read only a few.

    Raises the errors of `check_input`, except for an empty folder.
    """
    scheme, bucket, key = split_path(canonical_path(images.input_path))
    if scheme == LOCAL_SCHEME:
        yield from _local_objects(key)
        return
    source = S3AClient(spark) if settings is None else shared_s3_client(settings)
    pages = _page_reader(source, bucket, _CHECK_SECONDS)
    for unit in _s3_units(key, "**"):
        yield from _list_s3(pages, unit)


def _local_objects(path: str) -> Iterator[StoredObject]:
    yield from file_at(path)
    yield from files_below(path, recursive=True)


def _target_units(spark: SparkSession) -> int:
    return _PREFIXES_PER_SLOT * spark.sparkContext.defaultParallelism


def _expand(
    units: list[_Unit], children: Callable[[str], list[_Unit] | None], target: int
) -> list[_Unit]:
    """Replace prefixes by those below them until there are about `target` units."""
    for _ in range(_MAX_LEVELS):
        if len(units) >= target:
            break
        units = [
            below
            for unit in units
            for below in (children(unit.prefix) if unit.scope == RECURSIVE else None) or [unit]
        ]
    return units


def _s3_units(key: str, glob: str) -> list[_Unit]:
    """Everything under the folder `key` that can match, and the object named exactly `key`."""
    if not key:
        return [_Unit(literal_prefix(glob), RECURSIVE)]
    return [_Unit(key, OBJECT), _Unit(f"{key}/{literal_prefix(glob)}", RECURSIVE)]


def _local_units(path: str, glob: str) -> list[_Unit]:
    folder = os.path.join(path, os.path.dirname(literal_prefix(glob)))
    return [_Unit(path, OBJECT), _Unit(folder.rstrip("/") or "/", RECURSIVE)]


Pages = Callable[[str, bool], Iterator[Page]]


def _page_reader(source: PageSource, bucket: str, seconds: float = _RETRY_SECONDS) -> Pages:
    """A function that reads the pages of a prefix; a delimiter leaves out keys in subfolders."""

    def pages(prefix: str, delimiter: bool) -> Iterator[Page]:
        return all_pages(
            lambda token: _read_page(source, bucket, prefix, delimiter, token, seconds)
        )

    return pages


def _read_page(
    source: PageSource, bucket: str, prefix: str, delimiter: bool, token: str | None, seconds: float
) -> Page:
    path = f"s3a://{bucket}/{prefix}"
    try:
        page: Page = retry_transient(seconds, path)(
            source.page, bucket, prefix, delimiter=delimiter, token=token
        )
    except BucketNotFoundError as error:
        raise bucket_not_found_error(bucket) from error
    except ForbiddenError as error:
        raise AccessDeniedError(
            f"listing {path} is refused ({error})",
            expected="credentials with s3:ListBucket and s3:GetObject",
            fix="check the role or the keys, and the bucket policy",
        ) from error
    return page


def _s3_children(pages: Pages) -> Callable[[str], list[_Unit] | None]:
    """A function that lists the direct subfolders of a prefix; None if there are too many."""

    def children(prefix: str) -> list[_Unit] | None:
        first_pages = list(islice(pages(prefix, True), _MAX_PREFIX_PAGES))
        if first_pages[-1].next_token is not None:
            return None
        units = [_Unit(folder, RECURSIVE) for page in first_pages for folder in page.folders]
        if any(page.objects for page in first_pages):
            units.append(_Unit(prefix, DIRECT))
        return units

    return children


def _local_children(folder: str) -> list[_Unit] | None:
    if not os.path.isdir(folder):
        return None
    return [_Unit(folder, DIRECT), *(_Unit(path, RECURSIVE) for path in subfolders(folder))]


def _unit_lister(
    images: ImagesConfig, settings: StoreSettings | None, units: list[list[_Unit]]
) -> BatchFunction:
    """A function for mapInArrow that takes task numbers and lists the units of these tasks."""
    scheme, bucket, _ = split_path(canonical_path(images.input_path))

    def list_units(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tasks = chain.from_iterable(batch.column(0).to_pylist() for batch in batches)
        task_units = chain.from_iterable(units[task] for task in tasks)
        list_unit = _list_local
        if scheme != LOCAL_SCHEME:
            assert settings is not None
            list_unit = partial(_list_s3, _page_reader(shared_s3_client(settings), bucket))
        yield from _batches(chain.from_iterable(map(list_unit, task_units)), images)

    return list_units


def _list_s3(pages: Pages, unit: _Unit) -> Iterator[StoredObject]:
    for page in pages(unit.prefix, unit.scope == DIRECT):
        for stored in page.objects:
            is_folder_marker = stored.length == 0 and stored.path.endswith("/")
            if unit.scope != OBJECT or split_path(stored.path)[2] == unit.prefix:
                yield from () if is_folder_marker else (stored,)
        if unit.scope == OBJECT:
            # Keys come in order: the object named exactly like the prefix is the first.
            return


def _list_local(unit: _Unit) -> Iterator[StoredObject]:
    if unit.scope == OBJECT:
        yield from file_at(unit.prefix)
    else:
        yield from files_below(unit.prefix, recursive=unit.scope == RECURSIVE)


def _batches(listed: Iterable[StoredObject], images: ImagesConfig) -> Iterator[pa.RecordBatch]:
    """LISTING_SCHEMA of the objects that match the glob, in batches."""
    input_path = canonical_path(images.input_path)
    matches = glob_matcher(images.glob)

    def is_match(stored: StoredObject) -> bool:
        relative = relative_to(stored.path, input_path)
        return relative is not None and matches(relative)

    matching = filter(is_match, listed)
    while chunk := list(islice(matching, _ROWS_PER_BATCH)):
        yield _batch(chunk, images.label_level)


def _batch(chunk: list[StoredObject], label_level: int) -> pa.RecordBatch:
    columns = {
        schemas.PATH: [stored.path for stored in chunk],
        schemas.LABEL: [label_of(stored.path, label_level) for stored in chunk],
        schemas.LENGTH: [stored.length for stored in chunk],
        schemas.ETAG: [stored.etag for stored in chunk],
        schemas.MODIFICATION_TIME: [stored.modification_time for stored in chunk],
    }
    return pa.RecordBatch.from_pydict(columns, schema=to_arrow_schema(schemas.LISTING_SCHEMA))


def _list_on_driver(spark: SparkSession, batches: Iterator[pa.RecordBatch]) -> DataFrame:
    """A DataFrame of the driver's listing; each chunk leaves the driver before the next."""
    frames = []
    while chunk := list(islice(batches, _ROWS_PER_CHUNK // _ROWS_PER_BATCH)):
        rows = spark.createDataFrame(pa.Table.from_batches(chunk), schemas.LISTING_SCHEMA)
        frames.append(rows.localCheckpoint())
    if not frames:
        return spark.createDataFrame([], schemas.LISTING_SCHEMA)
    return reduce(DataFrame.unionAll, frames)
