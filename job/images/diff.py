"""What this run has to do: images that are new or changed, and rows whose image is gone."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from job import schemas
from job.paths import canonical_path, folder_of, glob_pattern


def work_to_do(listing: DataFrame, known: DataFrame) -> DataFrame:
    """The rows of `listing` that `known` (path, etag, length, label) lacks or labels differently.

    LISTING_SCHEMA, and KNOWN: true where only the label differs. An image is known if its path,
    ETag and length are; an absent ETag equals an absent one.
    """
    same_version = (
        (listing[schemas.PATH] == known[schemas.PATH])
        & listing[schemas.ETAG].eqNullSafe(known[schemas.ETAG])
        & (listing[schemas.LENGTH] == known[schemas.LENGTH])
    )
    is_known = known[schemas.PATH].isNotNull()
    same_label = listing[schemas.LABEL].eqNullSafe(known[schemas.LABEL])
    joined = listing.join(known, same_version, how="left").where(~(is_known & same_label))
    columns = [listing[name] for name in schemas.LISTING_SCHEMA.names]
    return joined.select(*columns, is_known.alias(schemas.KNOWN))


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
