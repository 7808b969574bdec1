"""The rows of images that are not under the input any more: which they are, and the guard."""

from __future__ import annotations

from job import schemas
from job.errors import DropRefusedError
from job.images.diff import absent_paths, rows_under
from job.pipeline.featurize_run import FeaturizeRun, Staged, count_rows

# More missing than this usually means a wrong --input.
MAX_DROPPED_FRACTION = 0.10


def stage_deleted(run: FeaturizeRun, listing: Staged) -> Staged | None:
    """Stage the paths of deleted images, whose rows the run drops after its last batch.

    None if there are none, or if `--keep-deleted` keeps them. Raises DropRefusedError for too many.
    """
    if not run.drops:
        return None
    rows = (
        run.tables.features()
        .select(schemas.PATH)
        .union(run.tables.quarantine().select(schemas.PATH))
    )
    images = run.config.images
    # A replaced table will hold only this listing, whatever input its old rows came from.
    known = rows if run.config.refeaturize else rows_under(rows, images.input_path, images.glob)
    deleted = run.stage("gone", absent_paths(listing.rows, known))
    if deleted.count and not run.config.allow_drop:
        _require_few_dropped(deleted.count, count_rows(known))
    return deleted if deleted.count else None


def _require_few_dropped(dropped: int, known: int) -> None:
    """Raise DropRefusedError if too many of the `known` rows of this input would be dropped."""
    if dropped > MAX_DROPPED_FRACTION * known:
        raise DropRefusedError(
            f"{dropped:,} of {known:,} rows of this input would be dropped: "
            "their images are not in this listing",
            expected=f"at most {MAX_DROPPED_FRACTION:.0%}",
            fix="check --input and --glob, or allow it with --allow-drop",
        )
