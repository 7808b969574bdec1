"""The Delta tables `features` and `quarantine`: create, commit a portion, drop, count."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from delta.tables import DeltaTable
from pyspark import inheritable_thread_target
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from job import schemas
from job.errors import FingerprintMismatchError
from job.features.feature_encoding import decode_features_column
from job.layout import Layout
from job.output.file_sizing import file_count
from job.output.lease import Lease
from job.output.table_files import delete_empty_folders, is_table
from job.runtime.retries import retried
from job.runtime.session import task_slots

T = TypeVar("T")

FINGERPRINT_PROPERTY = "image_features.fingerprint"
# All runs commit as one application of Delta's transactions, with versions that grow from claim to
# claim and from step to step: Delta skips a commit whose version is not above the table's last one.
_WRITER = "image-features"
_MOST_STEPS = 1_000_000
# The first steps of a run, and its last ones; each batch has two between them.
_FENCE, _CLEAR, _RELABEL = 0, 1, 2
_REPLACE, _DROP = _MOST_STEPS - 3, _MOST_STEPS - 1
# Of a row of OUTCOME_SCHEMA.
_BAD = f"{schemas.REASON} IS NOT NULL"
_SAME_PATH = "old.path = new.path"


@dataclass(frozen=True)
class Tables:
    """The two tables of one output; `run_id` is written into the rows this run makes.

    What writes raises OutputBusyError where `claim` was lost to another run. A step may be done
    again, as after an answer that was lost: what it has committed is not committed twice.
    """

    spark: SparkSession
    layout: Layout
    run_id: str
    lease: Lease

    @property
    def staging(self) -> str:
        """The folder of what this run stages; no other run has the same."""
        return self.layout.staging(self.run_id, self.lease.number)

    @retried
    def fence(self) -> None:
        """Keep earlier runs from committing to the tables that exist.

        A run that was stopped does not know that another has its claim. From here on Delta refuses
        or skips what it writes; what it wrote before is there to be read.
        """
        exist = [name for name in self._locations if is_table(self.spark, name)]
        _side_by_side(self.spark, self._fence, exist)
        self.lease.fenced = len(exist) == len(self._locations)

    def exist(self) -> bool:
        """Whether this output has a features table; DamagedTableError if only its files."""
        return is_table(self.spark, self.layout.features)

    def fingerprint(self) -> dict[str, Any] | None:
        """The fingerprint that the features table was made with; None without a table."""
        return fingerprint_of(self.spark, self.layout.features) if self.exist() else None

    @retried
    def create(self, fingerprint: dict[str, Any]) -> bool:
        """Make both tables, empty, where they do not exist yet; whether they are empty now.

        They are not where an earlier run that was stopped has made them and committed just before.
        Quarantine first: who finds the features table of a run that died takes both to be there.
        Raises FingerprintMismatchError where that run makes features of another kind.
        """
        self.lease.renew()
        self._create_quarantine()
        self._create(self.layout.features, schemas.FEATURES_SCHEMA, _properties(fingerprint))
        if not self.lease.took_over:
            return True
        self.fence()
        if self.fingerprint() != fingerprint:
            raise FingerprintMismatchError(
                f"a run that was stopped has made {self.layout.features} with another fingerprint",
                expected="the fingerprint that this run makes",
                fix="run the same command again: it names what differs",
            )
        return self.features().isEmpty() and self.quarantine().isEmpty()

    @retried
    def restore_quarantine(self) -> None:
        """Make the quarantine table again, empty, where somebody has deleted it."""
        if not is_table(self.spark, self.layout.quarantine):
            self.lease.renew()
            self._create_quarantine()
            if self.lease.took_over:
                self.fence()

    @retried
    def clear_quarantine(self) -> bool:
        """Delete the rows that a deleted features table has left here; whether there were any.

        All images are new to an output without features, so these would be quarantined twice.
        """
        if not is_table(self.spark, self.layout.quarantine) or self.quarantine().isEmpty():
            return False
        self.lease.renew()
        self._delete_all(self.layout.quarantine, _CLEAR)
        return True

    def version(self) -> int:
        """The number of the last commit to the features table."""
        history = DeltaTable.forPath(self.spark, self.layout.features).history(1)
        return int(history.select("version").collect()[0][0])

    def features_bytes(self) -> int:
        """The bytes of the files of the features table, without those of earlier versions."""
        detail = DeltaTable.forPath(self.spark, self.layout.features).detail()
        return int(detail.select("sizeInBytes").collect()[0][0])

    def changes(self, since: int) -> DataFrame | None:
        """FEATURES_SCHEMA and CAME of each row that came or went after the version `since`.

        None where nothing did. Fails, at the latest when it is read, where those commits or their
        files are gone (vacuumed), or where the table was made without a change feed.
        """
        if self.version() == since:
            return None
        return (
            self.spark.read.format("delta")
            .option("readChangeFeed", "true")
            .option("startingVersion", since + 1)
            .load(self.layout.features)
            .withColumn(schemas.CAME, F.col("_change_type").isin("insert", "update_postimage"))
            .select(*schemas.FEATURES_SCHEMA.names, schemas.CAME)
        )

    def features(self) -> DataFrame:
        """The features table, FEATURES_SCHEMA."""
        return read_features(self.spark, self.layout)

    def quarantine(self) -> DataFrame:
        """The quarantine table, QUARANTINE_SCHEMA."""
        return self.spark.read.format("delta").load(self.layout.quarantine)

    @retried
    def feature_count(self) -> int:
        """The number of rows of the features table."""
        return self.features().count()

    @retried
    def row_count(self) -> int:
        """The number of rows of both tables."""
        return self.features().count() + self.quarantine().count()

    @retried
    def append(self, outcome: DataFrame, batch: int, rows: int, *, bad: int | None = None) -> None:
        """Append the outcome of one batch (OUTCOME_SCHEMA), of paths that are in neither table.

        `bad` of the `rows` go to quarantine; None: not counted. Batches of a run are committed by
        growing numbers.
        """
        self.lease.renew()
        # By the staged files, of which Spark counts 4 MB for opening each, one core would have
        # twice as much to write as another.
        files = file_count(rows, task_slots(self.spark))
        shared = outcome.where(f"NOT {_BAD}").repartition(files, schemas.PATH)
        rows_of = {self.layout.features: self._featurized(shared)}
        # A commit costs a second; most batches have nothing for quarantine.
        if _has_bad(outcome, bad):
            rows_of[self.layout.quarantine] = self._bad(outcome)
        append = partial(self._append, step=_step(batch))
        _side_by_side(self.spark, lambda table: append(table, rows=rows_of[table]), rows_of)

    @retried
    def upsert(self, outcome: DataFrame, batch: int, *, bad: int | None = None) -> None:
        """Put the rows of `outcome` in the place of those that its paths have in either table.

        A crash between two commits leaves images in neither table, which the next run takes up
        again, and never in both.
        """
        self.lease.renew()
        if not self.quarantine().isEmpty():
            self._delete(self.layout.quarantine, outcome, _step(batch))
        # A changed image that is bad now takes its old row with it.
        both, belongs_here = self._featurized(outcome), f"new.{schemas.FEATURES} IS NOT NULL"
        self._merge(self.layout.features, _step(batch), both, belongs_here)
        if _has_bad(outcome, bad):
            rows = self._bad(outcome)
            self._merge(self.layout.quarantine, _step(batch, 1), rows, f"new.{_BAD}")

    @retried
    def replace(self, outcome: DataFrame, rows: int, fingerprint: dict[str, Any]) -> None:
        """Make `outcome` all that the tables hold, with its fingerprint.

        Who dies between two of its commits leaves bad images in neither table, none in both.
        """
        self.lease.renew()
        files = file_count(rows, task_slots(self.spark))
        good = self._featurized(outcome.where(f"NOT {_BAD}")).coalesce(files)
        self._create_quarantine()
        self._delete_all(self.layout.quarantine, _REPLACE)
        self._replace_features(good, _REPLACE, fingerprint)
        self._overwrite(self.layout.quarantine, _REPLACE + 1, self._bad(outcome))
        self.lease.fenced = True

    @retried
    def drop(self, paths: DataFrame) -> None:
        """Delete the rows of `paths` from both tables, after the last batch."""
        self.lease.renew()
        delete = partial(self._delete, paths=paths, step=_DROP)
        _side_by_side(self.spark, delete, self._locations)

    @property
    def _locations(self) -> tuple[str, str]:
        return self.layout.features, self.layout.quarantine

    @retried
    def relabel(self, labels: DataFrame) -> None:
        """Set the labels of the rows of these paths (path, label; no path twice) in both tables."""
        self.lease.renew()
        _side_by_side(self.spark, partial(self._relabel, labels=labels), self._locations)

    def _create_quarantine(self) -> None:
        self._create(self.layout.quarantine, schemas.QUARANTINE_SCHEMA, {})

    def _create(self, location: str, schema: StructType, properties: dict[str, str]) -> None:
        delete_empty_folders(self.spark, location)
        # Delta compares the location with Hadoop's spelling of it, which has one slash.
        hadoop_location = location.replace("file:///", "file:/", 1)
        builder = DeltaTable.createIfNotExists(self.spark).location(hadoop_location)
        builder = builder.addColumns(schema)
        for key, value in properties.items():
            builder = builder.property(key, value)
        builder.execute()

    def _featurized(self, outcome: DataFrame) -> DataFrame:
        """FEATURES_SCHEMA of `outcome`, its features as arrays."""
        return decode_features_column(self._rows(outcome, schemas.FEATURES_SCHEMA))

    def _rows(self, outcome: DataFrame, schema: StructType) -> DataFrame:
        return outcome.withColumn(schemas.RUN_ID, F.lit(self.run_id)).select(*schema.names)

    def _bad(self, outcome: DataFrame) -> DataFrame:
        """QUARANTINE_SCHEMA of the bad images of `outcome`, as one file."""
        bad = self._rows(outcome.where(_BAD), schemas.QUARANTINE_SCHEMA)
        # `coalesce` would have one task read all files with some, half a dozen requests each.
        return bad.repartition(1)

    def _fence(self, location: str) -> None:
        self._append(location, _FENCE, self.spark.read.format("delta").load(location).limit(0))

    def _append(self, location: str, step: int, rows: DataFrame) -> None:
        def write(options: Mapping[str, str]) -> None:
            rows.write.format("delta").mode("append").options(**options).save(location)

        self._write(location, step, write)

    def _overwrite(self, location: str, step: int, rows: DataFrame) -> None:
        def write(options: Mapping[str, str]) -> None:
            rows.write.format("delta").mode("overwrite").options(**options).save(location)

        self._write(location, step, write)

    def _replace_features(self, rows: DataFrame, step: int, fingerprint: dict[str, Any]) -> None:
        def write(options: Mapping[str, str]) -> None:
            # CREATE OR REPLACE sets rows and fingerprint together: no moment has one without the
            # other.
            writer = rows.writeTo(f"delta.`{self.layout.features}`").using("delta")
            for key, value in _properties(fingerprint).items():
                writer = writer.tableProperty(key, value)
            writer.options(**options).createOrReplace()

        self._write(self.layout.features, step, write)

    def _delete_all(self, location: str, step: int) -> None:
        self._write(location, step, lambda options: self._table(location, options).delete())

    def _delete(self, location: str, paths: DataFrame, step: int) -> None:
        def write(options: Mapping[str, str]) -> None:
            (
                self._table(location, options)
                .alias("old")
                .merge(paths.select(schemas.PATH).alias("gone"), "old.path = gone.path")
                .whenMatchedDelete()
                .execute()
            )

        self._write(location, step, write)

    def _merge(self, location: str, step: int, rows: DataFrame, belongs_here: str) -> None:
        def write(options: Mapping[str, str]) -> None:
            (
                self._table(location, options)
                .alias("old")
                .merge(rows.alias("new"), _SAME_PATH)
                .whenMatchedUpdateAll(condition=belongs_here)
                .whenMatchedDelete()
                .whenNotMatchedInsertAll(condition=belongs_here)
                .execute()
            )

        self._write(location, step, write)

    def _relabel(self, location: str, labels: DataFrame) -> None:
        def write(options: Mapping[str, str]) -> None:
            (
                self._table(location, options)
                .alias("old")
                .merge(labels.select(schemas.PATH, schemas.LABEL).alias("new"), _SAME_PATH)
                .whenMatchedUpdate("NOT old.label <=> new.label", {schemas.LABEL: "new.label"})
                .execute()
            )

        self._write(location, _RELABEL, write)

    def _table(self, location: str, options: Mapping[str, str]) -> Any:
        """The table for one MERGE or DELETE, which take the transaction from their session.

        So that is a clone, with the settings of this one: other threads commit at the same time.
        """
        session = SparkSession(self.spark.sparkContext, self.spark._jsparkSession.cloneSession())
        for name, value in options.items():
            session.conf.set(f"spark.databricks.delta.write.{name}", value)
        return DeltaTable.forPath(session, location)

    def _write(self, location: str, step: int, write: Callable[[Mapping[str, str]], None]) -> None:
        """Do `write`, which is given the options of its transaction, as the commit `step`.

        Delta skips it, without a word, where this run has committed that step already, and where a
        later run has committed anything: the table's last version tells which. Raises
        OutputBusyError for a later run.
        """
        first = self.lease.number * _MOST_STEPS
        write({"txnAppId": _WRITER, "txnVersion": str(first + step)})
        if _last_version(self.spark, location) >= first + _MOST_STEPS:
            raise self.lease.lost()


def _has_bad(outcome: DataFrame, bad: int | None) -> bool:
    return bad > 0 if bad is not None else not outcome.where(_BAD).isEmpty()


def _step(batch: int, commit: int = 0) -> int:
    """The number of the first or second commit of a batch to a table."""
    return _RELABEL + 1 + 2 * batch + commit


def _last_version(spark: SparkSession, location: str) -> int:
    """The transaction version of the last commit to the table; -1 where no commit has one.

    As of what this JVM knows after a write: that read the log, or wrote the end of it.
    """
    jvm: Any = spark.sparkContext._jvm
    log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, location)
    last = log.unsafeVolatileSnapshot().transactions().get(_WRITER)
    return int(last.get()) if last.isDefined() else -1


def _side_by_side(spark: SparkSession, step: Callable[[T], None], tables: Iterable[T]) -> None:
    """Do `step` with each table at once: it is a dozen requests, one after the other."""
    with ThreadPoolExecutor() as threads:
        # Their jobs are in this thread's pool. Reading the results raises what a step has raised.
        list(threads.map(inheritable_thread_target(spark)(step), tables))


def read_features(spark: SparkSession, layout: Layout) -> DataFrame:
    """The features table, FEATURES_SCHEMA, for who does not write to this output."""
    return spark.read.format("delta").load(layout.features)


def fingerprint_of(spark: SparkSession, features_path: str) -> dict[str, Any] | None:
    """The fingerprint that the features table, which is there, was made with."""
    rows = spark.sql(f"SHOW TBLPROPERTIES delta.`{features_path}`").collect()
    value = {row["key"]: row["value"] for row in rows}.get(FINGERPRINT_PROPERTY)
    return None if value is None else dict(json.loads(value))


def _properties(fingerprint: dict[str, Any]) -> dict[str, str]:
    """Of a features table: what made it, and that a later fit can read only what has changed."""
    return {
        FINGERPRINT_PROPERTY: json.dumps(fingerprint, sort_keys=True),
        "delta.enableChangeDataFeed": "true",
    }
