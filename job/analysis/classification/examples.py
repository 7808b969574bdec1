"""Selects example images of each confused pair, with thumbnails for the report."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from contextlib import suppress

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from job import schemas
from job.analysis.classification.result import ConfusedPair
from job.images.decode import BadImageError, DecodeRules, decode, thumbnail
from job.runtime import filesystem
from job.runtime.retries import retried
from job.runtime.spark_errors import STORAGE_EXCEPTIONS

MAX_PAIRS = 20
EXAMPLES_PER_PAIR = 3
_THUMBNAIL_PIXELS = 96


@retried
def add_examples(
    predictions: DataFrame, pairs: Sequence[tuple[str, str, int]]
) -> list[ConfusedPair]:
    """The pairs (actual, predicted, images) with up to EXAMPLES_PER_PAIR paths each.

    `predictions` has path, label and PREDICTED; there are at most MAX_PAIRS pairs.
    """
    spark, columns = predictions.sparkSession, [schemas.LABEL, schemas.PREDICTED]
    confused = spark.createDataFrame(
        [pair[:2] for pair in pairs], f"{schemas.LABEL} string, {schemas.PREDICTED} string"
    )
    by_hash = Window.partitionBy(*columns).orderBy(F.sha2(schemas.PATH, 256))
    rows = (
        predictions.join(confused, columns, how="left_semi")
        .withColumn("number", F.row_number().over(by_hash))
        .where(F.col("number") <= EXAMPLES_PER_PAIR)
        .select(schemas.PATH, *columns)
        .collect()
    )
    paths: dict[tuple[str, str], list[str]] = {}
    for path, actual, predicted in rows:
        paths.setdefault((actual, predicted), []).append(path)
    return [ConfusedPair(*pair, sorted(paths.get(pair[:2], []))) for pair in pairs]


def read_thumbnails(
    spark: SparkSession, paths: Iterable[str], *, exif_rotate: bool = False
) -> dict[str, str]:
    """Base64 JPEG by path, 3 kB each; omits images that can no longer be read or decoded."""
    rules = DecodeRules(_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS, exif_rotate=exif_rotate)
    thumbnails = {}
    for path in sorted(set(paths)):
        # Thumbnails are optional: images may be deleted, or no longer readable.
        with suppress(FileNotFoundError, BadImageError, *STORAGE_EXCEPTIONS):
            image = decode(filesystem.read_bytes(spark, path), rules)
            jpeg = thumbnail(image, _THUMBNAIL_PIXELS)
            thumbnails[path] = base64.b64encode(jpeg).decode()
    return thumbnails
