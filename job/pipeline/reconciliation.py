"""Where each listed object ended, counted from storage, where retries do not count twice."""

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

_LISTED, _FEATURIZED_BY, _END, _CLAIMS = "listed", "featurized_by", "end", "claims"
_FEATURIZED, _REUSED, _QUARANTINED, _MISPLACED = "featurized", "reused", "quarantined", "misplaced"


@dataclass(frozen=True)
class Reconciliation:
    """What became of the objects of one listing.

    `reasons` counts the quarantined by reason; `bad` counts them without those that are no image
    and do not claim to be one by their name, as a README. `relabelled` counts the reused rows whose
    label was replaced, `repairs` are sentences about what was repaired.
    """

    counts: Counts
    reasons: dict[str, int]
    bad: int
    relabelled: int = 0
    repairs: tuple[str, ...] = ()


@retried
def reconcile(listing: DataFrame, listed: int, tables: Tables) -> Reconciliation:
    """Count where the `listed` paths of `listing` are: AccountingError if not in one place each."""
    ends = _ends(listing, tables).groupBy(_END, schemas.REASON, _CLAIMS).count().collect()
    misplaced = _sum(row for row in ends if row[_END] == _MISPLACED)
    if misplaced or _sum(ends) != listed:
        raise AccountingError(
            f"{misplaced:,} of {listed:,} listed objects are not in exactly one table "
            f"({_sum(ends):,} paths)",
            expected="each in features or in quarantine",
            fix=f"delete {tables.layout.quarantine} and run again: only its images are featurized "
            "again; if that does not help, use --refeaturize and report this",
        )
    return _reconciliation(ends, listed)


def require_images(ends: Reconciliation, input_path: str, quarantine: str) -> None:
    """Raise InputNotFoundError where nothing of what was listed is an image."""
    counts = ends.counts
    if counts.featurized + counts.reused == 0:
        raise InputNotFoundError(
            f"none of the {counts.listed:,} objects under {input_path} is an image",
            expected="JPEG, PNG, BMP, GIF, TIFF or WebP images",
            fix=f"see the reasons in {quarantine}",
        )


def require_few_bad(ends: Reconciliation, most: float, quarantine: str) -> None:
    """Raise TooManyBadImagesError where more than the share `most` of the images is bad."""
    images = ends.counts.featurized + ends.counts.reused + ends.bad
    if ends.bad > most * images:
        raise TooManyBadImagesError(
            f"{ends.bad:,} of {images:,} images are bad; all others are written",
            expected=f"at most {most:.2%}",
            fix=f"see {quarantine}, or raise --max-bad-fraction",
        )


def _ends(listing: DataFrame, tables: Tables) -> DataFrame:
    """end, reason and claims of each listed path, by one shuffle of paths."""
    in_features, in_quarantine = F.count(_FEATURIZED_BY), F.count(schemas.REASON)
    end = (
        F.when(in_features + in_quarantine != 1, _MISPLACED)
        .when(in_quarantine == 1, _QUARANTINED)
        .when(F.max(_FEATURIZED_BY) == tables.run_id, _FEATURIZED)
        .otherwise(_REUSED)
    )
    found = (
        _of(listing, listed=F.lit(True))
        .unionByName(_of(tables.features(), featurized_by=F.col(schemas.RUN_ID)))
        .unionByName(_of(tables.quarantine(), reason=F.col(schemas.REASON)))
        .groupBy(schemas.PATH)
        .agg(F.max(_LISTED).alias(_LISTED), end.alias(_END), F.max(schemas.REASON).alias("reason"))
    )
    claims = F.col(schemas.PATH).rlike(IMAGE_NAME_PATTERN).alias(_CLAIMS)
    return found.where(_LISTED).select(_END, schemas.REASON, claims)


def _of(
    rows: DataFrame,
    listed: Column | None = None,
    featurized_by: Column | None = None,
    reason: Column | None = None,
) -> DataFrame:
    nothing = F.lit(None).cast("string")
    return rows.select(
        schemas.PATH,
        (F.lit(False) if listed is None else listed).alias(_LISTED),
        (nothing if featurized_by is None else featurized_by).alias(_FEATURIZED_BY),
        (nothing if reason is None else reason).alias(schemas.REASON),
    )


def _reconciliation(ends: list[Row], listed: int) -> Reconciliation:
    by_end: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    bad = 0
    for row in ends:
        by_end[row[_END]] += row["count"]
        if row[_END] == _QUARANTINED:
            reasons[row[schemas.REASON]] += row["count"]
            if row[_CLAIMS] or row[schemas.REASON] != "not_an_image":
                bad += row["count"]
    counts = Counts(listed, by_end[_FEATURIZED], by_end[_REUSED], by_end[_QUARANTINED])
    return Reconciliation(counts, dict(reasons.most_common()), bad)


def _sum(rows: Iterable[Row]) -> int:
    return sum(row["count"] for row in rows)
