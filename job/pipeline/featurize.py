"""From the listing to the tables: featurizes new images in batches, reconciles all objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from job import schemas
from job.config import ImagesConfig
from job.errors import InputNotFoundError
from job.features.worker import featurizer
from job.images.decode import TOO_MANY_PIXELS
from job.images.diff import work_to_do
from job.images.fetch import TOO_LARGE
from job.images.listing import list_images
from job.images.s3a_reader import featurize_binary_files
from job.images.sampling import sample_filter
from job.output.staging import staged_outcomes
from job.output.writers import AppendWriter, BatchResult, ReplaceWriter, UpsertWriter, Writer
from job.pipeline.batches import Batch, BatchPlan
from job.pipeline.deleted_images import stage_deleted
from job.pipeline.featurize_run import FeaturizeRun, Staged, count_rows
from job.pipeline.reconciliation import Reconciliation, reconcile, require_images
from job.runtime.background import SerialExecutor, run_in_background
from job.runtime.metrics import FEATURIZE_NODE
from job.runtime.progress import RowCounter
from job.runtime.retries import cancel_retries, retried
from job.runtime.session import task_slots, use_pool
from job.runtime.staging import write_outcome
from job.runtime.task_sizing import repartition_into_tasks, task_count, task_sizes

# Thumbnails for the report, 2 kB each.
THUMBNAILS = 300
# Temporary reasons: every run tries these objects again.
TRANSIENT_REASONS = ("vanished", "forbidden")
# The scheduler pool of commits. Without it they would wait for the images of the running batch.
_COMMITS = "commits"


def list_input(run: FeaturizeRun) -> Staged:
    """The objects under the input, LISTING_SCHEMA.

    Raises InputNotFoundError if no object matches the glob.
    """
    images = run.config.images
    with run.steps.step("list", unit="objects"):
        listing = run.stage("listing", list_images(run.spark, run.config.images, run.lister))
    if listing.count == 0:
        raise InputNotFoundError(
            f"no object under {images.input_path} matches --glob {images.glob!r}",
            expected="a folder of images",
            fix="check --input and --glob",
        )
    return listing


def featurize(run: FeaturizeRun, listing: Staged) -> Reconciliation:
    """Featurize and commit new images, drop rows of deleted ones, and reconcile all objects.

    Raises InputNotFoundError if no object is an image, DropRefusedError, AccountingError.
    """
    repairs = _repair(run)
    deleted = stage_deleted(run, listing)
    work, relabelled = _relabel(run, listing) if run.reuses else (listing, 0)
    _featurize_batches(run, work)
    if deleted is not None and run.reuses:
        run.tables.drop(deleted.rows)
    with run.steps.step("reconcile", unit="objects", total=listing.count):
        result = reconcile(listing.rows, listing.count, run.tables)
    if deleted is not None:
        result = replace(result, counts=replace(result.counts, dropped=deleted.count))
    result = replace(result, relabelled=relabelled, repairs=repairs)
    require_images(result, run.config.images.input_path, run.tables.layout.quarantine)
    return result


def thumbnails(run: FeaturizeRun) -> DataFrame | None:
    """The paths and JPEG bytes of this run's thumbnails; None if it featurized no images.

    Includes thumbnails of a process of the same run that died, whose images are in the tables now.
    """
    outcomes = staged_outcomes(run.spark, run.tables.layout, run.config.run_id)
    if not outcomes:
        return None
    # An earlier release may have started this run: its folders are not partitioned by reason.
    reader = run.spark.read.schema(schemas.OUTCOME_SCHEMA).option("recursiveFileLookup", "true")
    outcome = reader.parquet(*outcomes)
    return outcome.where(F.col(schemas.THUMBNAIL).isNotNull()).select(
        schemas.PATH, schemas.THUMBNAIL
    )


def _repair(run: FeaturizeRun) -> tuple[str, ...]:
    """Repair the output if one table was deleted; returns a sentence about each repair."""
    if run.exists:
        run.tables.restore_quarantine()
        return ()
    if not run.tables.clear_quarantine():
        return ()
    repair = "the features table is gone: quarantine was emptied, all images are featurized"
    run.steps.display.print_line(repair)
    return (repair,)


def _known_versions(run: FeaturizeRun) -> DataFrame:
    """The object versions that need no further work, and their labels."""
    columns = (schemas.PATH, schemas.ETAG, schemas.LENGTH, schemas.LABEL)
    quarantine = run.tables.quarantine().where(_is_settled(run.config.images))
    return run.tables.features().select(*columns).unionByName(quarantine.select(*columns))


def _is_settled(images: ImagesConfig) -> Column:
    """Whether a quarantined image needs no other look.

    The others failed for a transient reason, or exceeded a limit that has changed since: details of
    `too_large` and `too_many_pixels` end with the limit.
    """
    reason = F.col(schemas.REASON)
    settled = ~reason.isin(*TRANSIENT_REASONS)
    limits = {TOO_LARGE: images.max_image_bytes, TOO_MANY_PIXELS: images.max_image_pixels}
    for name, limit in limits.items():
        same_limit = F.coalesce(F.col(schemas.DETAIL).endswith(f"at most {limit:,}"), F.lit(False))
        settled &= (reason != name) | same_limit
    return settled


def _relabel(run: FeaturizeRun, listing: Staged) -> tuple[Staged, int]:
    """Replace changed labels; returns the images to featurize and the number of labels."""
    changes = run.stage("work", work_to_do(listing.rows, _known_versions(run)))
    is_known = F.col(schemas.KNOWN)
    labels = changes.rows.where(is_known).select(schemas.PATH, schemas.LABEL)
    relabelled = count_rows(labels) if changes.count else 0
    if relabelled:
        with run.steps.step("relabel", unit="rows", total=relabelled):
            run.tables.relabel(labels.distinct())
    work = changes.rows.where(~is_known).select(*schemas.LISTING_SCHEMA.names)
    return Staged(work, changes.count - relabelled), relabelled


def _featurize_batches(run: FeaturizeRun, work: Staged) -> None:
    """Send `work` through the network batch by batch; each commit overlaps the next batch."""
    plan = BatchPlan.of(work.count, task_slots(run.spark), run.config.batch_images)
    rows, row_counter = _assign_slices(run, _choose_thumbnails(work), plan), _row_counter(run)
    step = run.steps.step(
        "featurize", total=work.count, done=lambda: min(row_counter(), work.count)
    )
    commits = SerialExecutor(partial(use_pool, run.spark, _COMMITS), cancel_retries)
    with _writer(run, work.count) as writer, step:
        with commits:
            first, rate = 0, None
            while first < plan.count:
                batch = plan.batch(first, rate)
                result = _featurize_batch(run, rows, batch)
                commits.submit(partial(writer().commit, result))
                first, rate = batch.end, result.rate
        writer().finish()


@contextmanager
def _writer(run: FeaturizeRun, images: int) -> Iterator[Callable[[], Writer]]:
    """Yield a function that returns the writer; it waits until missing tables are created.

    They are created in the background: that takes four dozen requests, and the first commit needs
    the tables only at the end of a batch.
    """
    if run.config.refeaturize:
        writer = ReplaceWriter(run.tables, run.outcome, images, run.fingerprint)
        yield lambda: writer
    elif run.exists:
        yield lambda: UpsertWriter(run.tables)
    else:
        with run_in_background(partial(run.tables.create, run.fingerprint)) as are_empty:
            # A paused run may have resumed, created the tables and committed.
            yield lambda: AppendWriter(run.tables) if are_empty() else UpsertWriter(run.tables)


def _row_counter(run: FeaturizeRun) -> RowCounter:
    return RowCounter(run.spark, FEATURIZE_NODE)


def _choose_thumbnails(work: Staged) -> DataFrame:
    wants = sample_filter(work.count, THUMBNAILS).cast("long")
    return work.rows.withColumn(schemas.WANTS_THUMBNAIL, wants)


def _assign_slices(run: FeaturizeRun, work: DataFrame, plan: BatchPlan) -> DataFrame:
    """Add the slice number of each row, and stage the rows so that a slice can be read alone."""
    if plan.count <= 1:
        return work.withColumn(schemas.SLICE, F.lit(0))
    number = F.pmod(F.xxhash64(schemas.PATH, F.lit("slice")), F.lit(plan.count)).cast("int")
    numbered = work.withColumn(schemas.SLICE, number).repartition(plan.count, schemas.SLICE)
    return run.stage("slices", numbered, schemas.SLICE).rows


@retried
def _featurize_batch(run: FeaturizeRun, work: DataFrame, batch: Batch) -> BatchResult:
    """Send the images of the batch through the network and stage their outcome."""
    rows = work.where(F.col(schemas.SLICE).between(batch.first, batch.end - 1))
    rows = rows.select(*schemas.WORK_SCHEMA.names)
    path = f"{run.outcome}/portion={batch.first}"
    started = time.monotonic()
    bad = _write_outcome(run, rows, batch, path)
    rate = batch.images / (time.monotonic() - started)
    return BatchResult(path, batch.first, batch.images, bad, rate)


def _write_outcome(run: FeaturizeRun, work: DataFrame, batch: Batch, path: str) -> int | None:
    """Write OUTCOME_SCHEMA of the batch `work` (WORK_SCHEMA), with the reader of this run.

    Returns the number of bad images; None if the reader does not count them.
    """
    if run.worker.store is None:
        featurize_binary_files(
            run.spark,
            work,
            lambda count: task_count(count, batch.slots),
            featurizer(run.worker),
            run.worker.limits,
            path,
        )
        return None
    tasks = repartition_into_tasks(work, task_sizes(batch.images, batch.slots, batch.per_task))
    outcome = tasks.mapInArrow(featurizer(run.worker), schemas.OUTCOME_SCHEMA)
    bad = Observation()
    observed = outcome.observe(bad, F.count(schemas.REASON).alias("images"))
    write_outcome(observed, path)
    return int(bad.get["images"])
