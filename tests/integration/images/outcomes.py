"""The outcome of both readers, with a checksum of the bytes instead of a network."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from job import schemas
from job.config import ImagesConfig
from job.images.fetch import FetchedImage, FetchLimits, ListedImage, fetch_images
from job.images.listing import list_images
from job.images.s3a_config import StoreSettings
from job.images.s3a_reader import featurize_binary_files
from job.runtime.staging import read_outcome

LIMITS = FetchLimits(max_image_bytes=100_000, retry_seconds=60.0)


def work_of(spark: SparkSession, input_path: str, settings: StoreSettings | None) -> DataFrame:
    """WORK_SCHEMA of the current listing; later changes of the objects do not affect it."""
    listing = list_images(spark, ImagesConfig(input_path), settings)
    rows = listing.withColumn(schemas.WANTS_THUMBNAIL, F.lit(0).cast("long")).collect()
    return spark.createDataFrame(rows, schemas.WORK_SCHEMA)


def by_concurrent_reader(work: DataFrame, settings: StoreSettings) -> list[Row]:
    """OUTCOME_SCHEMA rows, sorted by path."""

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        images = (_image(row) for batch in batches for row in batch.to_pylist())
        for fetched in fetch_images(images, settings, LIMITS):
            yield _batch([_outcome(fetched)])

    return _sorted(work.mapInArrow(read, schemas.OUTCOME_SCHEMA).collect())


def by_s3a_reader(spark: SparkSession, work: DataFrame, folder: Path) -> list[Row]:
    """OUTCOME_SCHEMA rows, sorted by path; writes below `folder`."""

    def featurize(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = batch.to_pylist()
            fetched = [FetchedImage(_image(row), row[schemas.CONTENT]) for row in rows]
            yield _batch([_outcome(item) for item in fetched])

    destination = f"{folder}/outcome"
    featurize_binary_files(spark, work, lambda count: 2, featurize, LIMITS, destination)
    outcome = read_outcome(spark, destination).select(*schemas.OUTCOME_SCHEMA.names)
    return _sorted(outcome.collect())


def checksum(data: bytes) -> bytes:
    """Stands in for the features of these bytes."""
    return zlib.crc32(data).to_bytes(4, "little")


def _image(row: dict[str, Any]) -> ListedImage:
    names = schemas.LISTING_SCHEMA.names
    return ListedImage(**{name: row[name] for name in names})


def _outcome(fetched: FetchedImage) -> dict[str, Any]:
    return {
        **{name: getattr(fetched.image, name) for name in schemas.LISTING_SCHEMA.names},
        schemas.FEATURES: None if fetched.data is None else checksum(fetched.data),
        schemas.REASON: fetched.reason,
        schemas.DETAIL: fetched.detail,
    }


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=to_arrow_schema(schemas.OUTCOME_SCHEMA))


def _sorted(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row[schemas.PATH])
