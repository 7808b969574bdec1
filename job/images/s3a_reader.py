"""The s3a reader: Spark's binaryFile in batches of paths; the driver retries what it skipped."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import BinaryType, StructField, StructType

from job import schemas
from job.images.fetch import FetchedImage, FetchLimits, ListedImage, Reader, fetch_with
from job.images.local_client import read_file
from job.images.s3a_client import S3AClient
from job.images.storage import ObjectBytes
from job.paths import LOCAL_SCHEME, has_plain_key, split_path
from job.runtime.staging import read_outcome, write_outcome

Featurize = Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]

# The driver keeps a FileStatus for each path of a batch.
PATHS_PER_BATCH = 5_000
# The driver sends the bytes that it reads to tasks in messages; Spark's limit is 128 MB each.
_BYTES_PER_MESSAGE = 32 * 1024 * 1024
_MAX_DRIVER_READS = 16

_CONTENT_SCHEMA = StructType(
    [*schemas.WORK_SCHEMA.fields, StructField(schemas.CONTENT, BinaryType())]
)


def featurize_binary_files(
    spark: SparkSession,
    work: DataFrame,
    tasks_for: Callable[[int], int],
    featurize: Featurize,
    limits: FetchLimits,
    destination: str,
) -> None:
    """Featurize the images of `work` (WORK_SCHEMA) and write OUTCOME_SCHEMA to `destination`.

    Overwrites `destination`, with one row for each row of `work`. `featurize` takes WORK_SCHEMA
    with `content`; `tasks_for` returns the number of tasks for a number of images. The driver
    reads the images that binaryFile could not read, and finds the bytes or the reason. Raises
    TransportError if the store does not answer for `limits.retry_seconds`.
    """
    write_outcome(spark.createDataFrame([], schemas.OUTCOME_SCHEMA), destination)
    for rows in _path_batches(work, PATHS_PER_BATCH):
        readable = [row for row in rows if _binary_file_reads(row, limits)]
        if readable:
            contents = read_binary_files(spark, readable).coalesce(tasks_for(len(readable)))
            outcome = contents.mapInArrow(featurize, schemas.OUTCOME_SCHEMA)
            write_outcome(outcome, destination, mode="append")
    written = read_outcome(spark, destination)
    unread = work.join(written.select(schemas.PATH), schemas.PATH, how="left_anti")
    images = (_listed_image(row) for row in unread.select(*work.columns).toLocalIterator())
    for fetched in _message_batches(_retry_reads(spark, images, limits)):
        write_outcome(outcome_frame(spark, fetched, featurize), destination, mode="append")


def read_binary_files(spark: SparkSession, rows: list[Row]) -> DataFrame:
    """`rows` (WORK_SCHEMA) with `content`, where binaryFile could read it.

    Omits a row if its object could not be read, or is not the listed version.
    """
    with tempfile.TemporaryDirectory(prefix="paths-") as folder:
        files = (
            spark.read.format("binaryFile")
            .option("ignoreMissingFiles", "true")
            .option("ignoreCorruptFiles", "true")
            # Folders named a=b must not become columns.
            .option("recursiveFileLookup", "true")
            .load(_file_list(Path(folder), rows))
        )
    listed = F.broadcast(spark.createDataFrame(rows, schemas.WORK_SCHEMA)).alias("listed")
    return (
        files.alias("read")
        .join(listed, _is_listed_version(), how="inner")
        .select(
            *(f"listed.{name}" for name in schemas.WORK_SCHEMA.names), f"read.{schemas.CONTENT}"
        )
    )


def _file_list(folder: Path, rows: Iterable[Row]) -> str:
    """A folder that Spark reads as the list of these files, without a request for each.

    It has the format of the log that a streaming query writes next to its files. Spark would list
    each file of a list of paths: measured, 20 ms a path before the first byte is read. Spark reads
    the log when it creates the DataFrame; the folder can be deleted afterwards.
    """
    log = folder / "_spark_metadata"
    log.mkdir()
    (log / "0").write_text("\n".join(["v1", *map(_log_entry, rows)]), encoding="utf-8")
    return folder.as_uri()


def _log_entry(row: Row) -> str:
    scheme, _, rest = row[schemas.PATH].partition("://")
    entry = {
        "path": f"{scheme}://{quote(rest)}",
        "size": row[schemas.LENGTH],
        "isDir": False,
        "modificationTime": int(row[schemas.MODIFICATION_TIME].timestamp() * 1000),
        "blockReplication": 1,
        "blockSize": 1,
        "action": "add",
    }
    return json.dumps(entry)


def _is_listed_version() -> Column:
    """binaryFile has no ETag: compare length and modification time instead."""
    path = F.regexp_replace("read.path", "^file:/+", "file:///")
    return (
        (path == F.col("listed.path"))
        & (F.col("read.length") == F.col("listed.length"))
        & (F.col("read.modificationTime") == F.col("listed.modification_time"))
        & (F.octet_length("read.content") == F.col("listed.length"))
    )


def _binary_file_reads(row: Row, limits: FetchLimits) -> bool:
    """Whether binaryFile can read it: not hidden names, nor keys that Hadoop paths cannot hold."""
    path = row[schemas.PATH]
    hidden = path.rpartition("/")[2].startswith(("_", "."))
    return not hidden and has_plain_key(path) and row[schemas.LENGTH] <= limits.max_image_bytes


def _retry_reads(
    spark: SparkSession, images: Iterable[ListedImage], limits: FetchLimits
) -> Iterator[FetchedImage]:
    driver_limits = replace(limits, in_flight=_MAX_DRIVER_READS, bytes_in_flight=_BYTES_PER_MESSAGE)
    return fetch_with(driver_reader(spark), images, driver_limits)


def driver_reader(spark: SparkSession) -> Reader:
    """The Reader for the driver: it reads local paths from the disk and others through s3a."""
    client = S3AClient(spark)

    def read(path: str, max_bytes: int) -> ObjectBytes:
        scheme, bucket, key = split_path(path)
        return (
            read_file(key, max_bytes)
            if scheme == LOCAL_SCHEME
            else client.get(bucket, key, max_bytes)
        )

    return read


def _message_batches(fetched: Iterable[FetchedImage]) -> Iterator[list[FetchedImage]]:
    """Lists of images that together have about the bytes of one message."""
    message: list[FetchedImage] = []
    size = 0
    for item in fetched:
        message.append(item)
        size += len(item.data or b"")
        if size >= _BYTES_PER_MESSAGE or len(message) >= PATHS_PER_BATCH:
            yield message
            message, size = [], 0
    if message:
        yield message


def outcome_frame(
    spark: SparkSession, fetched: list[FetchedImage], featurize: Featurize
) -> DataFrame:
    """OUTCOME_SCHEMA of the images that the driver has read or failed to read."""
    good = [_row(item) | {schemas.CONTENT: item.data} for item in fetched if item.data is not None]
    bad = [
        _row(item) | {schemas.REASON: item.reason, schemas.DETAIL: item.detail}
        for item in fetched
        if item.data is None
    ]
    outcome = _frame(spark, bad, schemas.OUTCOME_SCHEMA)
    if not good:
        return outcome
    contents = _frame(spark, good, _CONTENT_SCHEMA).coalesce(1)
    return contents.mapInArrow(featurize, schemas.OUTCOME_SCHEMA).unionAll(outcome)


def _frame(spark: SparkSession, rows: list[dict[str, Any]], schema: StructType) -> DataFrame:
    table = pa.Table.from_pylist(rows, schema=to_arrow_schema(schema))
    return spark.createDataFrame(table, schema)


def _row(item: FetchedImage) -> dict[str, Any]:
    image = item.image
    return {
        schemas.PATH: image.path,
        schemas.LABEL: image.label,
        schemas.LENGTH: image.length,
        schemas.ETAG: image.etag,
        schemas.MODIFICATION_TIME: image.modification_time,
        schemas.WANTS_THUMBNAIL: int(image.wants_thumbnail),
    }


def _listed_image(row: Row) -> ListedImage:
    return ListedImage(
        path=row[schemas.PATH],
        label=row[schemas.LABEL],
        length=row[schemas.LENGTH],
        etag=row[schemas.ETAG],
        # A Row has a naive time in the time zone of this process.
        modification_time=row[schemas.MODIFICATION_TIME].astimezone(UTC),
        wants_thumbnail=bool(row[schemas.WANTS_THUMBNAIL]),
    )


def _path_batches(work: DataFrame, size: int) -> Iterator[list[Row]]:
    rows = work.select(*schemas.WORK_SCHEMA.names).toLocalIterator()
    while batch := list(islice(rows, size)):
        yield batch
