"""Some images of each confused pair, and pictures of them for the report."""

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

MOST_PAIRS = 20
EXAMPLES_OF_A_PAIR = 3
_SIDE = 96


@retried
def with_examples(
    predictions: DataFrame, pairs: Sequence[tuple[str, str, int]]
) -> list[ConfusedPair]:
    """The pairs (actual, predicted, images) with up to EXAMPLES_OF_A_PAIR paths each.

    `predictions` has path, label and PREDICTED; at most MOST_PAIRS pairs are asked for.
    """
    spark, columns = predictions.sparkSession, [schemas.LABEL, schemas.PREDICTED]
    wanted = spark.createDataFrame(
        [pair[:2] for pair in pairs], f"{schemas.LABEL} string, {schemas.PREDICTED} string"
    )
    of_pair = Window.partitionBy(*columns).orderBy(F.sha2(schemas.PATH, 256))
    rows = (
        predictions.join(wanted, columns, how="left_semi")
        .withColumn("number", F.row_number().over(of_pair))
        .where(F.col("number") <= EXAMPLES_OF_A_PAIR)
        .select(schemas.PATH, *columns)
        .collect()
    )
    paths: dict[tuple[str, str], list[str]] = {}
    for path, actual, predicted in rows:
        paths.setdefault((actual, predicted), []).append(path)
    return [ConfusedPair(*pair, sorted(paths.get(pair[:2], []))) for pair in pairs]


def thumbnails(
    spark: SparkSession, paths: Iterable[str], *, exif_rotate: bool = False
) -> dict[str, str]:
    """JPEG in base64 by path, 3 kB each; what cannot be read or decoded any more is left out."""
    rules = DecodeRules(_SIDE, _SIDE, exif_rotate=exif_rotate)
    found = {}
    for path in sorted(set(paths)):
        # A score stands without its pictures: images may be gone, or not ours to read by now.
        with suppress(FileNotFoundError, BadImageError, *STORAGE_EXCEPTIONS):
            picture = thumbnail(decode(filesystem.read_bytes(spark, path), rules), _SIDE)
            found[path] = base64.b64encode(picture).decode()
    return found
