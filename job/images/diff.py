"""Compares a listing with the tables: new or changed images, and rows whose image is gone."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from job import schemas
from job.paths import canonical_path, folder_of, glob_pattern


def work_to_do(listing: DataFrame, known: DataFrame) -> DataFrame:
    """The rows of `listing` that `known` (path, etag, length, label) lacks or labels differently.

    Returns LISTING_SCHEMA and KNOWN, which is true where only the label differs. An image is known
    if path, ETag and length are equal; two missing ETags are equal.
    """
    same_version = (
        (listing[schemas.PATH] == known[schemas.PATH])
        & listing[schemas.ETAG].eqNullSafe(known[schemas.ETAG])
        & (listing[schemas.LENGTH] == known[schemas.LENGTH])
    )
    is_known = known[schemas.PATH].isNotNull()
    same_label = listing[schemas.LABEL].eqNullSafe(known[schemas.LABEL])
    differing = listing.join(known, same_version, how="left").where(~(is_known & same_label))
    columns = [listing[name] for name in schemas.LISTING_SCHEMA.names]
    return differing.select(*columns, is_known.alias(schemas.KNOWN))


def absent_paths(listing: DataFrame, known: DataFrame) -> DataFrame:
    """The paths of `known` that are absent from the listing."""
    return known.join(listing, schemas.PATH, how="left_anti").select(schemas.PATH).distinct()


def rows_under(known: DataFrame, input_path: str, glob: str) -> DataFrame:
    """The rows of `known` that match this input and glob."""
    return known.where(_is_under(F.col(schemas.PATH), input_path, glob))


def _is_under(path: Column, input_path: str, glob: str) -> Column:
    """`relative_to` and `glob_matcher` for a column of paths."""
    root = canonical_path(input_path)
    folder = folder_of(root)
    pattern = rf"\A(?:{glob_pattern(glob)})\z"
    relative = F.substring(path, len(folder) + 1, 2**31 - 1)
    in_folder = path.startswith(folder) & relative.rlike(pattern)
    return in_folder | ((path == F.lit(root)) & F.lit(root.rpartition("/")[2]).rlike(pattern))
