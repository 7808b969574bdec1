"""Counts the objects of a listing in the tables, where a retry does not count twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from job import schemas
from job.errors import AccountingError, InputNotFoundError, TooManyBadImagesError
from job.output.summary import Counts
from job.output.tables import Tables
from job.paths import IMAGE_NAME_PATTERN
from job.runtime.retries import retried

_LISTED, _FEATURIZED_BY = "listed", "featurized_by"
_PLACE, _HAS_IMAGE_NAME = "place", "has_image_name"
_FEATURIZED, _REUSED, _QUARANTINED, _MISPLACED = "featurized", "reused", "quarantined", "misplaced"


@dataclass(frozen=True)
class Reconciliation:
    """The objects of one listing, counted by their places.

    `reasons` counts quarantined objects by reason. `bad` counts them without files such as a README
    that are not images by content or name. `relabelled` counts reused rows whose label was
    replaced. `repairs` has a sentence for each repair.
    """

    counts: Counts
    reasons: dict[str, int]
    bad: int
    relabelled: int = 0
    repairs: tuple[str, ...] = ()


@retried
def reconcile(listing: DataFrame, listed: int, tables: Tables) -> Reconciliation:
    """Count the places of the `listed` paths of `listing`.

    Raises AccountingError unless each path is in exactly one table.
    """
    counts = (
        _places(listing, tables).groupBy(_PLACE, schemas.REASON, _HAS_IMAGE_NAME).count().collect()
    )
    misplaced = _sum(row for row in counts if row[_PLACE] == _MISPLACED)
    if misplaced or _sum(counts) != listed:
        raise AccountingError(
            f"{misplaced:,} of {listed:,} listed objects are not in exactly one table "
            f"({_sum(counts):,} paths)",
            expected="each in features or in quarantine",
            fix=f"delete {tables.layout.quarantine} and run again: only its images are featurized "
            "again; if that does not help, use --refeaturize and report this",
        )
    return _reconciliation(counts, listed)


def require_images(result: Reconciliation, input_path: str, quarantine: str) -> None:
    """Raise InputNotFoundError if no listed object is an image."""
    counts = result.counts
    if counts.featurized + counts.reused == 0:
        raise InputNotFoundError(
            f"none of the {counts.listed:,} objects under {input_path} is an image",
            expected="JPEG, PNG, BMP, GIF, TIFF or WebP images",
            fix=f"see the reasons in {quarantine}",
        )


def require_few_bad(result: Reconciliation, max_fraction: float, quarantine: str) -> None:
    """Raise TooManyBadImagesError if more than `max_fraction` of the images are bad."""
    images = result.counts.featurized + result.counts.reused + result.bad
    if result.bad > max_fraction * images:
        raise TooManyBadImagesError(
            f"{result.bad:,} of {images:,} images are bad; all others are written",
            expected=f"at most {max_fraction:.2%}",
            fix=f"see {quarantine}, or raise --max-bad-fraction",
        )


def _places(listing: DataFrame, tables: Tables) -> DataFrame:
    """The place, the reason and has_image_name of each listed path, with one shuffle of paths."""
    in_features, in_quarantine = F.count(_FEATURIZED_BY), F.count(schemas.REASON)
    place = (
        F.when(in_features + in_quarantine != 1, _MISPLACED)
        .when(in_quarantine == 1, _QUARANTINED)
        .when(F.max(_FEATURIZED_BY) == tables.run_id, _FEATURIZED)
        .otherwise(_REUSED)
    )
    paths = (
        _columns(listing, listed=F.lit(True))
        .unionByName(_columns(tables.features(), featurized_by=F.col(schemas.RUN_ID)))
        .unionByName(_columns(tables.quarantine(), reason=F.col(schemas.REASON)))
        .groupBy(schemas.PATH)
        .agg(
            F.max(_LISTED).alias(_LISTED),
            place.alias(_PLACE),
            F.max(schemas.REASON).alias("reason"),
        )
    )
    has_image_name = F.col(schemas.PATH).rlike(IMAGE_NAME_PATTERN).alias(_HAS_IMAGE_NAME)
    return paths.where(_LISTED).select(_PLACE, schemas.REASON, has_image_name)


def _columns(
    rows: DataFrame,
    listed: Column | None = None,
    featurized_by: Column | None = None,
    reason: Column | None = None,
) -> DataFrame:
    null = F.lit(None).cast("string")
    return rows.select(
        schemas.PATH,
        (F.lit(False) if listed is None else listed).alias(_LISTED),
        (null if featurized_by is None else featurized_by).alias(_FEATURIZED_BY),
        (null if reason is None else reason).alias(schemas.REASON),
    )


def _reconciliation(rows: list[Row], listed: int) -> Reconciliation:
    by_place: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    bad = 0
    for row in rows:
        by_place[row[_PLACE]] += row["count"]
        if row[_PLACE] == _QUARANTINED:
            reasons[row[schemas.REASON]] += row["count"]
            if row[_HAS_IMAGE_NAME] or row[schemas.REASON] != "not_an_image":
                bad += row["count"]
    counts = Counts(listed, by_place[_FEATURIZED], by_place[_REUSED], by_place[_QUARANTINED])
    return Reconciliation(counts, dict(reasons.most_common()), bad)


def _sum(rows: Iterable[Row]) -> int:
    return sum(row["count"] for row in rows)
