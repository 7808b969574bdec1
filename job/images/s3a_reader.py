"""The s3a reader: Spark's binaryFile in portions of paths, and what it left unread, read again."""

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
from job.images.fetch import FetchedImage, FetchLimits, ListedImage, Read, fetch_through
from job.images.local_client import read_file
from job.images.s3a_client import HadoopObjects
from job.images.storage import ObjectBytes
from job.paths import LOCAL_SCHEME, has_plain_key, split_path
from job.runtime.staging import read_outcome, write_outcome

Featurize = Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]

# The driver keeps a FileStatus of each path of a portion.
PORTION_PATHS = 5_000
# What the driver reads itself goes to tasks in messages; Spark's limit for one is 128 MB.
_BYTES_PER_MESSAGE = 32 * 1024 * 1024
_DRIVER_READS_AT_ONCE = 16

_CONTENT_SCHEMA = StructType(
    [*schemas.WORK_SCHEMA.fields, StructField(schemas.CONTENT, BinaryType())]
)


def write_outcome_of_binary_files(
    spark: SparkSession,
    work: DataFrame,
    tasks_for: Callable[[int], int],
    featurize: Featurize,
    limits: FetchLimits,
    destination: str,
) -> None:
    """Featurize the images of `work` (WORK_SCHEMA) and write OUTCOME_SCHEMA at `destination`.

    `destination` is overwritten; each row of `work` has one row there. `featurize` gets
    WORK_SCHEMA and `content`; `tasks_for` says how many tasks so many images are worth. What
    binaryFile could not read is read again by the driver, which finds the bytes or the reason.
    Raises TransportError if the store does not answer for `limits.retry_seconds`.
    """
    write_outcome(spark.createDataFrame([], schemas.OUTCOME_SCHEMA), destination)
    for rows in _portions(work, PORTION_PATHS):
        readable = [row for row in rows if _binary_file_reads(row, limits)]
        if readable:
            contents = read_binary_files(spark, readable).coalesce(tasks_for(len(readable)))
            outcome = contents.mapInArrow(featurize, schemas.OUTCOME_SCHEMA)
            write_outcome(outcome, destination, mode="append")
    written = read_outcome(spark, destination)
    left = work.join(written.select(schemas.PATH), schemas.PATH, how="left_anti")
    images = (_listed_image(row) for row in left.select(*work.columns).toLocalIterator())
    for fetched in _messages(_read_again(spark, images, limits)):
        write_outcome(outcome_of(spark, fetched, featurize), destination, mode="append")


def read_binary_files(spark: SparkSession, rows: list[Row]) -> DataFrame:
    """`rows` (WORK_SCHEMA) with the `content` of those that binaryFile could read.

    A row is absent if its object could not be read, or is not the version that was listed.
    """
    with tempfile.TemporaryDirectory(prefix="paths-") as folder:
        files = (
            spark.read.format("binaryFile")
            .option("ignoreMissingFiles", "true")
            .option("ignoreCorruptFiles", "true")
            # No columns from folders that are called a=b.
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
    """A folder that Spark reads as the list of these files, without asking storage for each.

    It is the log that a streaming query leaves beside the files that it wrote; given as paths,
    Spark lists every one: measured, 20 ms a path before the first byte is read. The log is read
    when a DataFrame is made, so the folder may go at once.
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
    """binaryFile tells no ETag: the listed one holds where length and time are as listed."""
    path = F.regexp_replace("read.path", "^file:/+", "file:///")
    return (
        (path == F.col("listed.path"))
        & (F.col("read.length") == F.col("listed.length"))
        & (F.col("read.modificationTime") == F.col("listed.modification_time"))
        & (F.octet_length("read.content") == F.col("listed.length"))
    )


def _binary_file_reads(row: Row, limits: FetchLimits) -> bool:
    """Spark passes over hidden names, and its paths cannot hold every key."""
    path = row[schemas.PATH]
    hidden = path.rpartition("/")[2].startswith(("_", "."))
    return not hidden and has_plain_key(path) and row[schemas.LENGTH] <= limits.max_image_bytes


def _read_again(
    spark: SparkSession, images: Iterable[ListedImage], limits: FetchLimits
) -> Iterator[FetchedImage]:
    few = replace(limits, in_flight=_DRIVER_READS_AT_ONCE, bytes_in_flight=_BYTES_PER_MESSAGE)
    return fetch_through(reading_on_driver(spark), images, few)


def reading_on_driver(spark: SparkSession) -> Read:
    """How the driver reads a path: local ones from its disk, others as s3a is set to."""
    hadoop = HadoopObjects(spark)

    def read(path: str, largest: int) -> ObjectBytes:
        scheme, bucket, key = split_path(path)
        return (
            read_file(key, largest) if scheme == LOCAL_SCHEME else hadoop.get(bucket, key, largest)
        )

    return read


def _messages(fetched: Iterable[FetchedImage]) -> Iterator[list[FetchedImage]]:
    """Lists of images whose bytes together are about one message to a task."""
    message: list[FetchedImage] = []
    size = 0
    for item in fetched:
        message.append(item)
        size += len(item.data or b"")
        if size >= _BYTES_PER_MESSAGE or len(message) >= PORTION_PATHS:
            yield message
            message, size = [], 0
    if message:
        yield message


def outcome_of(spark: SparkSession, fetched: list[FetchedImage], featurize: Featurize) -> DataFrame:
    """OUTCOME_SCHEMA of what the driver has read, or not."""
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
        # A Row has the time of this process's zone, without saying so.
        modification_time=row[schemas.MODIFICATION_TIME].astimezone(UTC),
        wants_thumbnail=bool(row[schemas.WANTS_THUMBNAIL]),
    )


def _portions(work: DataFrame, size: int) -> Iterator[list[Row]]:
    rows = work.select(*schemas.WORK_SCHEMA.names).toLocalIterator()
    while portion := list(islice(rows, size)):
        yield portion
