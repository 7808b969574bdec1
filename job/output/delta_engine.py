"""Reads and writes Delta tables: the only module that knows Spark's statements for them.

Each write carries the version of a Delta transaction. Delta skips a write, and reports success,
if the table's last transaction has that version or a later one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from delta.tables import DeltaTable
from pyspark import inheritable_thread_target
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from job import schemas
from job.features.feature_encoding import decode_features_column
from job.output.file_sizing import file_count
from job.output.table_files import delete_empty_folders, is_table
from job.runtime.session import task_slots

T = TypeVar("T")

# All runs share one application id of Delta transactions.
_APPLICATION = "image-features"
# The condition for a row of a bad image in OUTCOME_SCHEMA.
_BAD = f"{schemas.REASON} IS NOT NULL"
_SAME_PATH = "old.path = new.path"


@dataclass(frozen=True)
class DeltaEngine:
    """Reads and writes Delta tables by location; `version` is a transaction version."""

    spark: SparkSession

    def is_table(self, location: str) -> bool:
        """Whether the table exists. Raises DamagedTableError for files without a commit."""
        return is_table(self.spark, location)

    def read(self, location: str) -> DataFrame:
        """All rows of the table."""
        return self.spark.read.format("delta").load(location)

    def is_empty(self, location: str) -> bool:
        """Whether the table has no rows."""
        return self.read(location).isEmpty()

    def properties(self, location: str) -> dict[str, str]:
        """The properties of the table."""
        rows = self.spark.sql(f"SHOW TBLPROPERTIES delta.`{location}`").collect()
        return {row["key"]: row["value"] for row in rows}

    def create(self, location: str, schema: StructType, properties: Mapping[str, str]) -> None:
        """Create the table, empty, unless it exists."""
        delete_empty_folders(self.spark, location)
        # Delta compares the location with Hadoop's form of it, which has one slash.
        hadoop_location = location.replace("file:///", "file:/", 1)
        builder = DeltaTable.createIfNotExists(self.spark).location(hadoop_location)
        builder = builder.addColumns(schema)
        for key, value in properties.items():
            builder = builder.property(key, value)
        builder.execute()

    def append(self, location: str, rows: DataFrame, version: int) -> None:
        """Append rows."""
        options = _transaction(version)
        rows.write.format("delta").mode("append").options(**options).save(location)

    def overwrite(self, location: str, rows: DataFrame, version: int) -> None:
        """Replace all rows."""
        options = _transaction(version)
        rows.write.format("delta").mode("overwrite").options(**options).save(location)

    def replace(
        self, location: str, rows: DataFrame, properties: Mapping[str, str], version: int
    ) -> None:
        """Replace all rows and the table's properties in one commit."""
        writer = rows.writeTo(f"delta.`{location}`").using("delta")
        for key, value in properties.items():
            writer = writer.tableProperty(key, value)
        writer.options(**_transaction(version)).createOrReplace()

    def fence(self, location: str, version: int) -> None:
        """Commit `version` without rows."""
        self.append(location, self.read(location).limit(0), version)

    def delete_all(self, location: str, version: int) -> None:
        """Delete all rows."""
        self._table(location, version).delete()

    def delete(self, location: str, paths: DataFrame, version: int) -> None:
        """Delete the rows of these paths."""
        (
            self._table(location, version)
            .alias("old")
            .merge(paths.select(schemas.PATH).alias("gone"), "old.path = gone.path")
            .whenMatchedDelete()
            .execute()
        )

    def merge(self, location: str, rows: DataFrame, column: str, version: int) -> None:
        """Insert or update by path the rows with a value in `column`; delete other paths."""
        belongs_here = f"new.{column} IS NOT NULL"
        (
            self._table(location, version)
            .alias("old")
            .merge(rows.alias("new"), _SAME_PATH)
            .whenMatchedUpdateAll(condition=belongs_here)
            .whenMatchedDelete()
            .whenNotMatchedInsertAll(condition=belongs_here)
            .execute()
        )

    def set_labels(self, location: str, labels: DataFrame, version: int) -> None:
        """Set the labels of the rows of these paths (path, label; no path twice)."""
        (
            self._table(location, version)
            .alias("old")
            .merge(labels.select(schemas.PATH, schemas.LABEL).alias("new"), _SAME_PATH)
            .whenMatchedUpdate("NOT old.label <=> new.label", {schemas.LABEL: "new.label"})
            .execute()
        )

    def last_version(self, location: str) -> int:
        """The version of the table's last transaction; -1 if there is none.

        Call it after a write. The write has read or written the end of the log, so this JVM's
        snapshot is recent enough.
        """
        jvm: Any = self.spark.sparkContext._jvm
        log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(self.spark._jsparkSession, location)
        last = log.unsafeVolatileSnapshot().transactions().get(_APPLICATION)
        return int(last.get()) if last.isDefined() else -1

    def in_parallel(self, step: Callable[[T], None], tables: Iterable[T]) -> None:
        """Call `step` with each table in parallel: a call makes a dozen sequential requests."""
        with ThreadPoolExecutor() as threads:
            # The jobs run in this thread's pool. Reading the results raises the error of a step.
            list(threads.map(inheritable_thread_target(self.spark)(step), tables))

    def feature_rows(self, outcome: DataFrame, run_id: str) -> DataFrame:
        """FEATURES_SCHEMA of all rows of OUTCOME_SCHEMA; features are null for bad images."""
        return decode_features_column(_of_run(outcome, run_id, schemas.FEATURES_SCHEMA))

    def good_feature_rows(
        self, outcome: DataFrame, run_id: str, images: int, *, shuffle: bool = False
    ) -> DataFrame:
        """FEATURES_SCHEMA of the good rows of OUTCOME_SCHEMA, in files sized for `images` rows.

        With `shuffle` all tasks write the same number of rows. Without it Spark sizes tasks by the
        staged files and adds 4 MB for opening each, so one task may write twice as much as another.
        """
        files = file_count(images, task_slots(self.spark))
        good = outcome.where(f"NOT {_BAD}")
        rows = good.repartition(files, schemas.PATH) if shuffle else good.coalesce(files)
        return self.feature_rows(rows, run_id)

    def quarantine_rows(self, outcome: DataFrame, run_id: str) -> DataFrame:
        """QUARANTINE_SCHEMA of the bad rows of OUTCOME_SCHEMA, as one file."""
        bad = _of_run(outcome.where(_BAD), run_id, schemas.QUARANTINE_SCHEMA)
        # With `coalesce` one task would read all files with bad images, six requests each.
        return bad.repartition(1)

    def has_bad(self, outcome: DataFrame) -> bool:
        """Whether OUTCOME_SCHEMA has a row of a bad image."""
        return not outcome.where(_BAD).isEmpty()

    def _table(self, location: str, version: int) -> Any:
        """The table for one MERGE or DELETE, which read the transaction from their session.

        The session is a clone, because other threads commit at the same time.
        """
        session = SparkSession(self.spark.sparkContext, self.spark._jsparkSession.cloneSession())
        for name, value in _transaction(version).items():
            session.conf.set(f"spark.databricks.delta.write.{name}", value)
        return DeltaTable.forPath(session, location)


def _transaction(version: int) -> dict[str, str]:
    return {"txnAppId": _APPLICATION, "txnVersion": str(version)}


def _of_run(outcome: DataFrame, run_id: str, schema: StructType) -> DataFrame:
    return outcome.withColumn(schemas.RUN_ID, F.lit(run_id)).select(*schema.names)
