"""The Delta tables `features` and `quarantine`: create, commit a portion, drop, count."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
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
from job.features.feature_encoding import unpacked
from job.output.file_sizing import file_count
from job.output.layout import Layout
from job.output.lease import Claim
from job.runtime.session import task_slots

T = TypeVar("T")

FINGERPRINT_PROPERTY = "image_features.fingerprint"
# All runs commit under one name, with versions that grow from claim to claim: Delta passes over a
# commit whose version is not above the last one's, which is that of a run that has lost its claim.
_WRITER = "image-features"
_MOST_PORTIONS = 1_000_000
# Of a row of OUTCOME_SCHEMA.
_BAD = f"{schemas.REASON} IS NOT NULL"


@dataclass(frozen=True)
class Tables:
    """The two tables of one output; `run_id` is written into the rows this run makes.

    What writes raises OutputBusyError where `claim` was lost to another run.
    """

    spark: SparkSession
    layout: Layout
    run_id: str
    claim: Claim

    def exist(self) -> bool:
        """Whether this output has a features table."""
        return DeltaTable.isDeltaTable(self.spark, self.layout.features)

    def fingerprint(self) -> dict[str, Any] | None:
        """The fingerprint that the features table was made with; None without a table."""
        return fingerprint_of(self.spark, self.layout.features) if self.exist() else None

    def create(self, fingerprint: dict[str, Any]) -> None:
        """Make both tables, empty, where they do not exist yet.

        Quarantine first: who finds the features table of a run that died takes both to be there.
        """
        self._create_quarantine()
        self._create(self.layout.features, schemas.FEATURES_SCHEMA, _properties(fingerprint))

    def restore_quarantine(self) -> None:
        """Make the quarantine table again, empty, where somebody has deleted it."""
        if not DeltaTable.isDeltaTable(self.spark, self.layout.quarantine):
            self._create_quarantine()

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

    def commit(
        self, outcome: DataFrame, portion: int, rows: int, *, known: bool, bad: int | None = None
    ) -> None:
        """Write the outcome of one portion (OUTCOME_SCHEMA) to both tables.

        Each path ends in exactly one of them. `bad` of the rows are for quarantine; None: nobody
        has counted. `known` says that some of its paths may be in a table already (a changed
        image): then the newest wins. Committing a portion twice, as after an answer that was lost,
        changes nothing.
        """
        self.claim.check()
        files = file_count(rows, task_slots(self.spark))
        some_bad = bad > 0 if bad is not None else not outcome.where(_BAD).isEmpty()
        if known:
            self._commit_changed(outcome, some_bad)
        else:
            # By the staged files, of which Spark counts 4 MB for opening each, one core would have
            # twice as much to write as another.
            shared = outcome.where(f"NOT {_BAD}").repartition(files, schemas.PATH)
            append = partial(self._append, self.layout.features, self._featurized(shared), portion)
            quarantine = partial(self._append, self.layout.quarantine, self._bad(outcome), portion)
            # A commit costs a second; most portions have nothing for quarantine.
            steps = (append, quarantine) if some_bad else (append,)
            _side_by_side(self.spark, lambda step: step(), steps)

    def replace(self, outcome: DataFrame, rows: int, fingerprint: dict[str, Any]) -> None:
        """Make `outcome` all that the tables hold, with its fingerprint.

        Who dies between two of its commits leaves bad images in neither table, none in both.
        """
        self.claim.check()
        files = file_count(rows, task_slots(self.spark))
        good = self._featurized(outcome.where(f"NOT {_BAD}")).coalesce(files)
        self._create_quarantine()
        DeltaTable.forPath(self.spark, self.layout.quarantine).delete()
        # CREATE OR REPLACE sets rows and fingerprint together: no moment has one without the other.
        writer = good.writeTo(f"delta.`{self.layout.features}`").using("delta")
        for key, value in _properties(fingerprint).items():
            writer = writer.tableProperty(key, value)
        writer.createOrReplace()
        bad = self._bad(outcome).write.format("delta").mode("overwrite")
        bad.save(self.layout.quarantine)

    def drop(self, paths: DataFrame) -> None:
        """Delete the rows of `paths` from both tables."""
        self.claim.check()
        tables = (self.layout.features, self.layout.quarantine)
        _side_by_side(self.spark, lambda location: self._delete(location, paths), tables)

    def _create_quarantine(self) -> None:
        self._create(self.layout.quarantine, schemas.QUARANTINE_SCHEMA, {})

    def _create(self, location: str, schema: StructType, properties: dict[str, str]) -> None:
        # Delta compares the location with Hadoop's spelling of it, which has one slash.
        hadoop_location = location.replace("file:///", "file:/", 1)
        builder = DeltaTable.createIfNotExists(self.spark).location(hadoop_location)
        builder = builder.addColumns(schema)
        for key, value in properties.items():
            builder = builder.property(key, value)
        builder.execute()

    def _featurized(self, outcome: DataFrame) -> DataFrame:
        """FEATURES_SCHEMA of `outcome`, its features as arrays."""
        return unpacked(self._rows(outcome, schemas.FEATURES_SCHEMA))

    def _rows(self, outcome: DataFrame, schema: StructType) -> DataFrame:
        return outcome.withColumn(schemas.RUN_ID, F.lit(self.run_id)).select(*schema.names)

    def _bad(self, outcome: DataFrame) -> DataFrame:
        """QUARANTINE_SCHEMA of the bad images of `outcome`, as one file."""
        bad = self._rows(outcome.where(_BAD), schemas.QUARANTINE_SCHEMA)
        # `coalesce` would have one task read all files with some, half a dozen requests each.
        return bad.repartition(1)

    def _commit_changed(self, outcome: DataFrame, some_bad: bool) -> None:
        """Put the rows of `outcome` in the place of those that its paths have in either table.

        Who dies between two commits leaves images in neither table, which the next run takes up
        again, and never in both.
        """
        if not self.quarantine().isEmpty():
            self._delete(self.layout.quarantine, outcome)
        # A changed image that is bad now takes its old row with it.
        both = self._featurized(outcome)
        self._merge(self.layout.features, both, f"new.{schemas.FEATURES} IS NOT NULL")
        if some_bad:
            self._merge(self.layout.quarantine, self._bad(outcome), f"new.{_BAD}")

    def _delete(self, location: str, paths: DataFrame) -> None:
        (
            DeltaTable.forPath(self.spark, location)
            .alias("old")
            .merge(paths.select(schemas.PATH).alias("gone"), "old.path = gone.path")
            .whenMatchedDelete()
            .execute()
        )

    def _append(self, location: str, rows: DataFrame, portion: int) -> None:
        (
            rows.write.format("delta")
            .mode("append")
            .option("txnAppId", _WRITER)
            .option("txnVersion", self.claim.number * _MOST_PORTIONS + portion)
            .save(location)
        )

    def _merge(self, location: str, rows: DataFrame, belongs_here: str) -> None:
        (
            DeltaTable.forPath(self.spark, location)
            .alias("old")
            .merge(rows.alias("new"), "old.path = new.path")
            .whenMatchedUpdateAll(condition=belongs_here)
            .whenMatchedDelete()
            .whenNotMatchedInsertAll(condition=belongs_here)
            .execute()
        )


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
