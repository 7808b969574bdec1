"""Gather what the report shows from the tables: bounded samples and counts."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import files, schemas
from job.analysis import classifier_section
from job.analysis.report_data import ClassCount, Point, QuarantinedImage, ReportData
from job.output.layout import Layout
from job.output.tables import Tables
from job.reduction.bundle import load_bundle

POINTS = 5_000
THUMBNAILS = 600
QUARANTINE_ROWS = 200

SAMPLING_RULE = (
    f"up to {POINTS:,} images, chosen by a hash of their path, and all that have a thumbnail"
)


@dataclass(frozen=True)
class HadoopFiles:
    """The files of the output `root`, wherever Hadoop reaches it (OutputFiles)."""

    spark: SparkSession
    root: str

    def read(self, name: str) -> bytes:
        """The content of the file `name`. Raises FileNotFoundError."""
        return files.read_bytes(self.spark, f"{self.root}/{name}")

    def names(self, folder: str) -> list[str]:
        """The names, sorted, of what is in `folder`; none where there is no such folder."""
        try:
            return files.names(self.spark, f"{self.root}/{folder}")
        except FileNotFoundError:
            return []


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
    reasons = tables.quarantine().groupBy(schemas.REASON).count().collect()
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
        quarantine=_quarantine(tables.quarantine()),
        quarantine_reasons={row[schemas.REASON]: row["count"] for row in reasons},
        classifiers=classifier_section.read(HadoopFiles(spark, layout.root)) or [],
    )


def _thumbnails(spark: SparkSession, layout: Layout, new: DataFrame | None) -> dict[str, str]:
    """JPEG in base64 by path, the newest first."""
    rows = new.limit(THUMBNAILS).collect() if new is not None else []
    found = {row[schemas.PATH]: base64.b64encode(row[schemas.THUMBNAIL]).decode() for row in rows}
    if files.exists(spark, layout.report_data):
        before = ReportData.from_json(files.read_bytes(spark, layout.report_data).decode())
        for point in before.points:
            if point.thumbnail and len(found) < THUMBNAILS:
                found.setdefault(point.path, point.thumbnail)
    return found


def _points(projection: DataFrame, total: int, thumbnails: dict[str, str]) -> list[Point]:
    sampled = F.pmod(F.xxhash64(schemas.PATH), F.lit(max(total, 1))) < POINTS
    shown = projection.where(sampled | F.col(schemas.PATH).isin(list(thumbnails)))
    rows = shown.select(
        schemas.PATH,
        schemas.LABEL,
        F.get(schemas.PCA, F.lit(0)).alias("x"),
        F.get(schemas.PCA, F.lit(1)).alias("y"),
    ).collect()
    return [Point(row.path, row.label, row.x, row.y, thumbnails.get(row.path)) for row in rows]


def _classes(projection: DataFrame) -> list[ClassCount]:
    counts = projection.groupBy(schemas.LABEL).count().orderBy(F.desc("count"), schemas.LABEL)
    return [ClassCount(row[schemas.LABEL], row["count"]) for row in counts.collect()]


def _quarantine(quarantine: DataFrame) -> list[QuarantinedImage]:
    rows = quarantine.orderBy(schemas.REASON, schemas.PATH).limit(QUARANTINE_ROWS).collect()
    return [QuarantinedImage(row.path, row.reason, row.detail) for row in rows]
