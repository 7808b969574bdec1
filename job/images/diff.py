"""What this run has to do: images that are new or changed, and rows whose image is gone."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from job import schemas
from job.paths import canonical_path, folder_of, glob_pattern


def work_to_do(listing: DataFrame, known: DataFrame | None) -> DataFrame:
    """The rows of `listing` (LISTING_SCHEMA) that `known` (path, etag, length) does not hold.

    An image is known if its path, ETag and length are; an absent ETag equals an absent one.
    """
    if known is None:
        return listing
    same_version = (
        (listing[schemas.PATH] == known[schemas.PATH])
        & listing[schemas.ETAG].eqNullSafe(known[schemas.ETAG])
        & (listing[schemas.LENGTH] == known[schemas.LENGTH])
    )
    return listing.join(known, same_version, how="left_anti").select(*schemas.LISTING_SCHEMA.names)


def dropped(listing: DataFrame, known: DataFrame, input_path: str, glob: str) -> DataFrame:
    """The paths of `known` that are under this input and glob, and absent from the listing."""
    ours = known.where(_is_under(F.col(schemas.PATH), input_path, glob))
    absent = ours.join(listing, schemas.PATH, how="left_anti")
    return absent.select(schemas.PATH).distinct()


def _is_under(path: Column, input_path: str, glob: str) -> Column:
    """As `relative_to` and `glob_matcher` say of one path, for a column of them."""
    root = canonical_path(input_path)
    folder = folder_of(root)
    whole = rf"\A(?:{glob_pattern(glob)})\z"
    in_folder = path.startswith(folder) & F.substring(path, len(folder) + 1, 2**31 - 1).rlike(whole)
    return in_folder | ((path == F.lit(root)) & F.lit(root.rpartition("/")[2]).rlike(whole))
