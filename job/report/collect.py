"""Collects the report's data from the output: bounded samples, counts and sizes."""

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
from job.report.quarantine_section import MAX_CARDS_PER_REASON, MAX_REASONS, MAX_ROWS_PER_REASON
from job.report.report_data import ClassCount, Point, QuarantinedImage, ReportData
from job.report.sections import SECTIONS
from job.runtime import filesystem
from job.runtime.retries import retried
from job.runtime.spark_errors import STORAGE_EXCEPTIONS

MAX_POINTS = 5_000
MAX_THUMBNAILS = 600
# Quarantine reasons of objects that can be decoded in part. Other objects cannot be read or are not
# images.
PARTLY_DECODABLE_REASONS = ("truncated", "too_large", "too_many_pixels")
# Pictures of quarantined objects are optional: a run does not wait longer for them.
MAX_QUARANTINE_SECONDS = 20.0

SAMPLING_RULE = (
    f"up to {MAX_POINTS:,} images, chosen by a hash of their path, and all that have a thumbnail"
)


@dataclass(frozen=True)
class HadoopFiles:
    """The files under `root` on any Hadoop file system (page.OutputFiles)."""

    spark: SparkSession
    root: str

    def read(self, name: str) -> bytes:
        """The content of the file `name`. Raises FileNotFoundError."""
        return filesystem.read_bytes(self.spark, f"{self.root}/{name}")

    def list_names(self, folder: str) -> list[str]:
        """The sorted names of files and folders in `folder`; empty if it does not exist."""
        try:
            return filesystem.names(self.spark, f"{self.root}/{folder}")
        except FileNotFoundError:
            return []


@retried
def collect_report_data(
    tables: Tables, summary: dict[str, Any], new_thumbnails: DataFrame | None = None
) -> ReportData:
    """The report's data of one output; `new_thumbnails` has path and JPEG bytes.

    Keeps the thumbnails of earlier runs from the existing report.
    """
    spark, layout = tables.spark, tables.layout
    manifest = load_bundle(spark, layout.bundle).manifest
    projection = spark.read.schema(schemas.PROJECTION_SCHEMA).parquet(layout.projection)
    thumbnails = _merge_thumbnails(spark, layout, new_thumbnails)
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
        points=_sample_points(projection, total, thumbnails),
        points_total=total,
        sampling_rule=SAMPLING_RULE,
        classes=_count_classes(projection),
        quarantine=_add_thumbnails(spark, _sample_quarantine(quarantine, reasons)),
        quarantine_reasons=reasons,
        storage_bytes=_storage_bytes(tables),
        sections=_read_sections(HadoopFiles(spark, layout.root)),
    )


def _merge_thumbnails(spark: SparkSession, layout: Layout, new: DataFrame | None) -> dict[str, str]:
    """Base64 JPEG by path: new thumbnails first, then those of the existing report."""
    rows = new.limit(MAX_THUMBNAILS).collect() if new is not None else []
    thumbnails = {
        row[schemas.PATH]: base64.b64encode(row[schemas.THUMBNAIL]).decode() for row in rows
    }
    for point in _existing_points(spark, layout):
        if point.thumbnail and len(thumbnails) < MAX_THUMBNAILS:
            thumbnails.setdefault(point.path, point.thumbnail)
    return thumbnails


def _existing_points(spark: SparkSession, layout: Layout) -> Sequence[Point]:
    """Points of the existing report; empty for a report in another format version."""
    if not filesystem.exists(spark, layout.report_data):
        return []
    # An unreadable report is replaced; its thumbnails are lost.
    with suppress(InvalidValueError, UnicodeDecodeError):
        return ReportData.from_json(
            filesystem.read_bytes(spark, layout.report_data).decode()
        ).points
    return []


def _sample_points(projection: DataFrame, total: int, thumbnails: dict[str, str]) -> list[Point]:
    in_sample = sample_filter(total, MAX_POINTS)
    has_thumbnail = F.col(schemas.PATH).isin(list(thumbnails))
    names = ("x", "y", "third", "fourth")
    components = [F.get(schemas.PCA, F.lit(index)).alias(name) for index, name in enumerate(names)]
    selected = projection.where(in_sample | has_thumbnail)
    rows = selected.select(schemas.PATH, schemas.LABEL, *components).collect()
    return [
        Point(row.path, row.label, row.x, row.y, thumbnails.get(row.path), row.third, row.fourth)
        for row in rows
    ]


def _count_classes(projection: DataFrame) -> list[ClassCount]:
    counts = projection.groupBy(schemas.LABEL).count().orderBy(F.desc("count"), schemas.LABEL)
    return [ClassCount(row[schemas.LABEL], row["count"]) for row in counts.collect()]


def _sample_quarantine(quarantine: DataFrame, reasons: Iterable[str]) -> list[QuarantinedImage]:
    """The first objects of each reason by path: a frequent reason does not hide a rare one."""
    samples = [
        quarantine.where(F.col(schemas.REASON) == reason)
        .orderBy(schemas.PATH)
        .limit(MAX_ROWS_PER_REASON)
        for reason in sorted(reasons)[:MAX_REASONS]
    ]
    if not samples:
        return []
    rows = reduce(DataFrame.unionByName, samples).collect()
    images = [QuarantinedImage(row.path, row.reason, row.detail) for row in rows]
    return sorted(images, key=lambda image: (image.reason, image.path))


def _add_thumbnails(
    spark: SparkSession, quarantined: list[QuarantinedImage]
) -> list[QuarantinedImage]:
    """The same objects, the first few of each partly decodable reason with a thumbnail."""
    deadline = time.monotonic() + MAX_QUARANTINE_SECONDS
    remaining = dict.fromkeys(PARTLY_DECODABLE_REASONS, MAX_CARDS_PER_REASON)
    images = []
    for image in quarantined:
        if remaining.get(image.reason) and time.monotonic() < deadline:
            remaining[image.reason] -= 1
            image = image._replace(thumbnail=_decode_part(spark, image.path))
        images.append(image)
    return images


def _decode_part(spark: SparkSession, path: str) -> str | None:
    """A base64 JPEG; None if no part can be decoded, or the object is no longer readable."""
    with suppress(FileNotFoundError, *STORAGE_EXCEPTIONS):
        thumbnail = partial_thumbnail(filesystem.read_bytes(spark, path, max_bytes=MAX_BYTES))
        return base64.b64encode(thumbnail).decode() if thumbnail else None
    return None


def _storage_bytes(tables: Tables) -> dict[str, int]:
    """Bytes of the featurized images, of the features, and of the projection and its CSV."""
    spark, layout = tables.spark, tables.layout
    images = tables.features().agg(F.sum(schemas.LENGTH)).collect()[0][0]
    sizes = {"images": int(images or 0), "features": tables.features_bytes()}
    for name, path in (("projection", layout.projection), ("csv", layout.csv)):
        with suppress(FileNotFoundError):
            sizes[name] = filesystem.size(spark, path)
    return sizes


def _read_sections(output: HadoopFiles) -> dict[str, Any]:
    sections = {
        section.id: section.read(output) for section in SECTIONS if section.read is not None
    }
    return {name: values for name, values in sections.items() if values is not None}
