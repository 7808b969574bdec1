"""Listing to features: what is new, portion by portion, until every object has its place."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event
from typing import TypeVar

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.config import FeaturizeConfig
from job.errors import DropRefusedError, InputNotFoundError
from job.features.worker import WorkerSpec, featurizer, starting_network
from job.images.diff import dropped, work_to_do
from job.images.listing import list_images
from job.images.s3a_config import StoreSettings
from job.images.s3a_reader import write_outcome_of_binary_files
from job.images.sampling import sampled
from job.output.tables import Tables
from job.pipeline.batches import Portion, Slices
from job.pipeline.reconciliation import Account, account, require_images
from job.runtime import filesystem
from job.runtime.background import begun, one_behind
from job.runtime.metrics import FEATURIZE_NODE
from job.runtime.progress import RowsOut, Stages
from job.runtime.session import in_pool, task_slots
from job.runtime.spark_errors import waiting_out
from job.runtime.staging import read_outcome, write_outcome
from job.runtime.task_sizing import in_tasks, task_count, task_sizes

T = TypeVar("T")

# Thumbnails for the report, 2 kB each.
THUMBNAILS = 300
# What more than this share of gone images means is more often a wrong path than a wish.
MOST_DROPPED = 0.10
# These may pass: such an object is tried again in every run.
TRANSIENT_REASONS = ("vanished", "forbidden")
# The pool of their jobs. Without one they would wait for all images of the portion under way.
_COMMITS = "commits"


@dataclass(frozen=True)
class Featurizing:
    """All that the steps of one `featurize` share.

    `exists` says that the output has a features table already. `lister` None lists through Hadoop;
    `worker.store` None reads through Spark's binaryFile. `given_up` is set where a step has failed
    for good while another may still wait for the storage.
    """

    spark: SparkSession
    config: FeaturizeConfig
    tables: Tables
    exists: bool
    fingerprint: dict[str, object]
    worker: WorkerSpec
    lister: StoreSettings | None
    stages: Stages
    given_up: Event = field(default_factory=Event)

    @property
    def staging(self) -> str:
        return self.tables.layout.staging(self.config.run_id)

    @property
    def outcomes(self) -> str:
        """What all portions gave, those of a run of the same id that died before this one too."""
        return f"{self.staging}/outcomes"

    @property
    def outcome(self) -> str:
        """What those of this run gave, each in a folder of its own."""
        return f"{self.outcomes}/claim={self.tables.claim.number}"

    def waiting(self, step: Callable[[], T]) -> T:
        return waiting_out(step, self.config.output_path, given_up=self.given_up)

    def staged(self, name: str, rows: DataFrame, *partition_cols: str) -> tuple[DataFrame, int]:
        """Write `rows` once under the staging path; returns them, read back, and their number.

        Without `partition_cols` in as few files as their size asks for: the commit of each and each
        later look into it are a dozen requests, one after the other.
        """
        path = f"{self.staging}/{name}"
        sized = rows if partition_cols else rows.hint("rebalance")

        def write() -> int:
            # Counted on their way: counting what was written is a job more.
            written = Observation()
            counted = sized.observe(written, F.count(F.lit(1)).alias("rows"))
            counted.write.mode("overwrite").partitionBy(*partition_cols).parquet(path)
            return int(written.get["rows"])

        count = self.waiting(write)
        return self.waiting(lambda: self.spark.read.schema(rows.schema).parquet(path)), count


@dataclass(frozen=True)
class _Outcome:
    """What a portion gave: OUTCOME_SCHEMA at `path`, and how many images a second went through.

    `bad` is how many of them are bad; None where nobody has counted.
    """

    path: str
    bad: int | None
    per_second: float


def featurize(
    this: Featurizing, check_listed: Callable[[int], None] = lambda listed: None
) -> Account:
    """List, featurize what is new, commit it, drop what is gone, account for every object.

    `check_listed` may refuse the number of objects listed, before any is read. Raises
    InputNotFoundError where nothing is listed or nothing of it is an image, DropRefusedError,
    AccountingError.
    """
    if this.exists:
        this.waiting(this.tables.restore_quarantine)
    reuses = this.exists and not this.config.refeaturize
    with this.stages.stage("list", unit="objects"):
        listing, listed = this.staged("listing", _listed(this, reuses))
    _require_objects(this, listed)
    check_listed(listed)
    drops = this.exists and (this.config.refeaturize or not this.config.keep_deleted)
    gone = _gone(this, listing) if drops else None
    known = _known(this) if reuses else None
    work, todo = listing, listed
    if known is not None:
        work, todo = this.staged("work", work_to_do(listing, known))
    _featurize_portions(this, work, todo, known=known is not None)
    if gone is not None and known is not None:
        this.waiting(lambda: this.tables.drop(gone))
    with this.stages.stage("account", unit="objects", total=listed):
        found = this.waiting(lambda: account(listing, listed, this.tables))
    if gone is not None:
        found = replace(found, counts=replace(found.counts, dropped=this.waiting(gone.count)))
    require_images(found, this.config.images.input_path, this.tables.layout.quarantine)
    return found


def thumbnails(this: Featurizing) -> DataFrame | None:
    """path and JPEG bytes of the images this run made a thumbnail of; None if all were known.

    Those of a run of the same id that died too: its images are known by now.
    """
    if not this.waiting(lambda: filesystem.exists(this.spark, this.outcomes)):
        return None
    # An earlier release, which may have begun this run, had no folders by reason.
    reader = this.spark.read.schema(schemas.OUTCOME_SCHEMA).option("recursiveFileLookup", "true")
    outcome = reader.parquet(this.outcomes)
    return outcome.where(F.col(schemas.THUMBNAIL).isNotNull()).select(
        schemas.PATH, schemas.THUMBNAIL
    )


def _listed(this: Featurizing, reuses: bool) -> DataFrame:
    """The listing; where all of it is new, the workers that list also start TensorFlow."""
    if reuses:
        return list_images(this.spark, this.config.images, this.lister)
    spec = this.worker.network
    return list_images(
        this.spark, this.config.images, this.lister, lambda lister: starting_network(lister, spec)
    )


def _require_objects(this: Featurizing, listed: int) -> None:
    images = this.config.images
    if listed == 0:
        raise InputNotFoundError(
            f"no object under {images.input_path} matches --glob {images.glob!r}",
            expected="a folder of images",
            fix="check --input and --glob",
        )


def _known(this: Featurizing) -> DataFrame:
    """The object versions that need no look again."""
    version = (schemas.PATH, schemas.ETAG, schemas.LENGTH)
    settled = ~F.col(schemas.REASON).isin(*TRANSIENT_REASONS)
    quarantine = this.tables.quarantine().where(settled)
    return this.tables.features().select(*version).unionByName(quarantine.select(*version))


def _gone(this: Featurizing, listing: DataFrame) -> DataFrame | None:
    """Paths to drop, staged; None for none. Raises DropRefusedError for suspiciously many."""
    rows = (
        this.tables.features()
        .select(schemas.PATH)
        .union(this.tables.quarantine().select(schemas.PATH))
    )
    images = this.config.images
    if this.config.refeaturize:
        # The table will hold this listing alone, whatever input its rows came from.
        absent = rows.join(listing, schemas.PATH, how="left_anti")
    else:
        absent = dropped(listing, rows, images.input_path, images.glob)
    gone, count = this.staged("gone", absent)
    total = this.waiting(rows.count)
    if count > MOST_DROPPED * total and not this.config.allow_drop:
        raise DropRefusedError(
            f"{count:,} of {total:,} rows would be dropped: their images are not in this listing",
            expected=f"at most {MOST_DROPPED:.0%}",
            fix="check --input and --glob, or allow it with --allow-drop",
        )
    return gone if count else None


@contextmanager
def _tables_made(this: Featurizing) -> Iterator[Callable[[], None]]:
    """Make tables that are missing, beside the block, which is given what waits for them.

    That is four dozen requests, and nothing is committed before the end of a portion.
    """
    if this.exists or this.config.refeaturize:
        yield lambda: None
        return
    with begun(lambda: this.tables.create(this.fingerprint)) as made:
        yield lambda: this.waiting(made)


def _featurize_portions(this: Featurizing, work: DataFrame, todo: int, *, known: bool) -> None:
    """Send `todo` images through the network, a portion at a time, and commit each portion.

    It is committed while the next one is under way: else all cores would wait for that.
    """
    wants = sampled(todo, THUMBNAILS).cast("long")
    slices = Slices.of(todo, task_slots(this.spark), this.config.portion_images)
    work = _sliced(this, work.withColumn(schemas.WANTS_THUMBNAIL, wants), slices)
    count = RowsOut(this.spark, FEATURIZE_NODE)
    stage = this.stages.stage("featurize", total=todo, done=lambda: min(count(), todo))
    commits = one_behind(lambda: in_pool(this.spark, _COMMITS), this.given_up)
    with _tables_made(this) as tables_made, stage, commits as commit_beside:
        done, per_second = 0, None
        while done < slices.count:
            portion = slices.portion(done, per_second)
            outcome = _featurize_portion(this, work, portion)
            tables_made()
            commit_beside(partial(_commit, this, outcome, portion, known=known))
            done, per_second = portion.end, outcome.per_second
        tables_made()
        if this.config.refeaturize:
            _replace_all(this, todo)


def _sliced(this: Featurizing, work: DataFrame, slices: Slices) -> DataFrame:
    """`work` with the number of each row's slice, by which it can be read alone."""
    if slices.count <= 1:
        return work.withColumn(schemas.SLICE, F.lit(0))
    number = F.pmod(F.xxhash64(schemas.PATH, F.lit("slice")), F.lit(slices.count)).cast("int")
    numbered = work.withColumn(schemas.SLICE, number).repartition(slices.count, schemas.SLICE)
    return this.staged("slices", numbered, schemas.SLICE)[0]


def _featurize_portion(this: Featurizing, work: DataFrame, portion: Portion) -> _Outcome:
    """Send the images of the portion through the network; what they gave is staged."""
    rows = work.where(F.col(schemas.SLICE).between(portion.first, portion.end - 1))
    rows = rows.select(*schemas.WORK_SCHEMA.names)
    path = f"{this.outcome}/portion={portion.first}"

    def write() -> _Outcome:
        started = time.monotonic()
        bad = _write_outcome(this, rows, portion, path)
        return _Outcome(path, bad, portion.images / (time.monotonic() - started))

    return this.waiting(write)


def _commit(this: Featurizing, outcome: _Outcome, portion: Portion, *, known: bool) -> None:
    if this.config.refeaturize:
        # All portions together will replace what the tables hold.
        return
    rows = read_outcome(this.spark, outcome.path)
    this.waiting(
        lambda: this.tables.commit(
            rows, portion.first, portion.images, bad=outcome.bad, known=known
        )
    )


def _write_outcome(this: Featurizing, work: DataFrame, portion: Portion, path: str) -> int | None:
    """Write OUTCOME_SCHEMA of the portion `work` (WORK_SCHEMA), by the reader of this run.

    Returns how many of the images are bad, if that was counted on the way.
    """
    if this.worker.store is None:
        write_outcome_of_binary_files(
            this.spark,
            work,
            lambda count: task_count(count, portion.slots),
            featurizer(this.worker),
            this.worker.limits,
            path,
        )
        return None
    tasks = in_tasks(work, task_sizes(portion.images, portion.slots, portion.per_task))
    outcome = tasks.mapInArrow(featurizer(this.worker), schemas.OUTCOME_SCHEMA)
    bad = Observation()
    counted = outcome.observe(bad, F.count(schemas.REASON).alias("images"))
    write_outcome(counted, path)
    return int(bad.get["images"])


def _replace_all(this: Featurizing, todo: int) -> None:
    outcome = read_outcome(this.spark, this.outcome)
    this.waiting(lambda: this.tables.replace(outcome, todo, this.fingerprint))
