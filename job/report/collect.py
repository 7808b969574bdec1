"""Gather what the report shows from the output: bounded samples, counts and sizes."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.errors import InvalidValueError
from job.images.partial_decode import MAX_BYTES, partial_thumbnail
from job.images.sampling import sample_filter
from job.layout import Layout
from job.output.tables import Tables
from job.reduction.bundle import load_bundle
from job.report.quarantine_section import MOST_CARDS_A_REASON, MOST_REASONS, MOST_ROWS_A_REASON
from job.report.report_data import ClassCount, Point, QuarantinedImage, ReportData
from job.report.sections import SECTIONS
from job.runtime import filesystem
from job.runtime.retries import retried
from job.runtime.spark_errors import STORAGE_EXCEPTIONS

POINTS = 5_000
THUMBNAILS = 600
# The objects that some part of can be seen; of the others there are no bytes, or no picture.
SEEN_REASONS = ("truncated", "too_large", "too_many_pixels")
# Looking at them is the least of what a run does, and never what it waits for.
LOOKING_SECONDS = 20.0

SAMPLING_RULE = (
    f"up to {POINTS:,} images, chosen by a hash of their path, and all that have a thumbnail"
)


@dataclass(frozen=True)
class HadoopFiles:
    """The files of the output `root`, wherever Hadoop reaches it (page.OutputFiles)."""

    spark: SparkSession
    root: str

    def read(self, name: str) -> bytes:
        """The content of the file `name`. Raises FileNotFoundError."""
        return filesystem.read_bytes(self.spark, f"{self.root}/{name}")

    def names(self, folder: str) -> list[str]:
        """The names, sorted, of what is in `folder`; none where there is no such folder."""
        try:
            return filesystem.names(self.spark, f"{self.root}/{folder}")
        except FileNotFoundError:
            return []


@retried
def collect_report_data(
    tables: Tables, summary: dict[str, Any], new_thumbnails: DataFrame | None = None
) -> ReportData:
    """The data of the report of one output; `new_thumbnails` has path and JPEG bytes.

    Thumbnails of earlier runs are taken over from the report that is there.
    """
    spark, layout = tables.spark, tables.layout
    manifest = load_bundle(spark, layout.bundle).manifest
    projection = spark.read.schema(schemas.PROJECTION_SCHEMA).parquet(layout.projection)
    thumbnails = _thumbnails(spark, layout, new_thumbnails)
    total = projection.count()
    quarantine = tables.quarantine()
    reasons = {
        row[schemas.REASON]: row["count"]
        for row in quarantine.groupBy(schemas.REASON).count().collect()
    }
    return ReportData(
        summary=summary,
        feature_count=manifest.columns,
        k=manifest.k,
        variance_asked=manifest.variance,
        variance_curve=manifest.explained_variance_ratio,
        points=_points(projection, total, thumbnails),
        points_total=total,
        sampling_rule=SAMPLING_RULE,
        classes=_classes(projection),
        quarantine=_with_pictures(spark, _quarantine(quarantine, reasons)),
        quarantine_reasons=reasons,
        storage_bytes=_storage_bytes(tables),
        sections=_sections(HadoopFiles(spark, layout.root)),
    )


def _thumbnails(spark: SparkSession, layout: Layout, new: DataFrame | None) -> dict[str, str]:
    """JPEG in base64 by path, the newest first."""
    rows = new.limit(THUMBNAILS).collect() if new is not None else []
    found = {row[schemas.PATH]: base64.b64encode(row[schemas.THUMBNAIL]).decode() for row in rows}
    for point in _earlier_points(spark, layout):
        if point.thumbnail and len(found) < THUMBNAILS:
            found.setdefault(point.path, point.thumbnail)
    return found


def _earlier_points(spark: SparkSession, layout: Layout) -> Sequence[Point]:
    """Points of the report that is there; none of one in the format of another release."""
    if not filesystem.exists(spark, layout.report_data):
        return []
    # The new report replaces it, without its thumbnails.
    with suppress(InvalidValueError):
        return ReportData.from_json(
            filesystem.read_bytes(spark, layout.report_data).decode()
        ).points
    return []


def _points(projection: DataFrame, total: int, thumbnails: dict[str, str]) -> list[Point]:
    chosen = sample_filter(total, POINTS)
    shown = projection.where(chosen | F.col(schemas.PATH).isin(list(thumbnails)))
    names = ("x", "y", "third", "fourth")
    components = [F.get(schemas.PCA, F.lit(index)).alias(name) for index, name in enumerate(names)]
    rows = shown.select(schemas.PATH, schemas.LABEL, *components).collect()
    return [
        Point(row.path, row.label, row.x, row.y, thumbnails.get(row.path), row.third, row.fourth)
        for row in rows
    ]


def _classes(projection: DataFrame) -> list[ClassCount]:
    counts = projection.groupBy(schemas.LABEL).count().orderBy(F.desc("count"), schemas.LABEL)
    return [ClassCount(row[schemas.LABEL], row["count"]) for row in counts.collect()]


def _quarantine(quarantine: DataFrame, reasons: Iterable[str]) -> list[QuarantinedImage]:
    """The first of each reason by path, so that many of one reason hide no other."""
    of_each = [
        quarantine.where(F.col(schemas.REASON) == reason)
        .orderBy(schemas.PATH)
        .limit(MOST_ROWS_A_REASON)
        for reason in sorted(reasons)[:MOST_REASONS]
    ]
    if not of_each:
        return []
    rows = reduce(DataFrame.unionByName, of_each)
    found = [QuarantinedImage(row.path, row.reason, row.detail) for row in rows.collect()]
    return sorted(found, key=lambda each: (each.reason, each.path))


def _with_pictures(
    spark: SparkSession, quarantined: list[QuarantinedImage]
) -> list[QuarantinedImage]:
    """The same, the first few of each reason with what can be seen of them."""
    until = time.monotonic() + LOOKING_SECONDS
    left = dict.fromkeys(SEEN_REASONS, MOST_CARDS_A_REASON)
    pictured = []
    for image in quarantined:
        if left.get(image.reason) and time.monotonic() < until:
            left[image.reason] -= 1
            image = image._replace(thumbnail=_picture(spark, image.path))
        pictured.append(image)
    return pictured


def _picture(spark: SparkSession, path: str) -> str | None:
    """A JPEG in base64; None where nothing can be seen, or the input cannot be read any more."""
    with suppress(FileNotFoundError, *STORAGE_EXCEPTIONS):
        seen = partial_thumbnail(filesystem.read_bytes(spark, path, most=MAX_BYTES))
        return base64.b64encode(seen).decode() if seen else None
    return None


def _storage_bytes(tables: Tables) -> dict[str, int]:
    """Bytes of the images that were featurized, and of what was made from them."""
    spark, layout = tables.spark, tables.layout
    images = tables.features().agg(F.sum(schemas.LENGTH)).collect()[0][0]
    found = {"images": int(images or 0), "features": tables.features_bytes()}
    for name, path in (("projection", layout.projection), ("csv", layout.csv)):
        with suppress(FileNotFoundError):
            found[name] = filesystem.size(spark, path)
    return found


def _sections(output: HadoopFiles) -> dict[str, Any]:
    found = {each.id: each.read(output) for each in SECTIONS if each.read is not None}
    return {name: values for name, values in found.items() if values is not None}
