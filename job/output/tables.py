"""The Delta tables `features` and `quarantine`: the order of the commits of a run.

All runs share one application id of Delta transactions. Transaction versions increase from lease to
lease and from step to step, so Delta skips or refuses the commits of a run that lost its lease.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.errors import FingerprintMismatchError
from job.layout import Layout
from job.output.delta_engine import DeltaEngine
from job.output.lease import Lease
from job.runtime.retries import retried

FINGERPRINT_PROPERTY = "image_features.fingerprint"
_MAX_STEPS = 1_000_000
# The first and the last steps of a run. Each batch has two steps between them.
_FENCE, _CLEAR, _RELABEL = 0, 1, 2
_REPLACE, _DROP = _MAX_STEPS - 3, _MAX_STEPS - 1


@dataclass(frozen=True)
class Tables:
    """The two tables of one output, written by the run `run_id` that holds `lease`.

    Methods that write raise OutputBusyError once another run holds the lease. They may be
    repeated, for example after a lost response: nothing is committed twice.
    """

    engine: DeltaEngine
    layout: Layout
    run_id: str
    lease: Lease

    @property
    def spark(self) -> SparkSession:
        """The session that reads and writes the tables."""
        return self.engine.spark

    @property
    def staging(self) -> str:
        """The staging folder of this run; no other run uses it."""
        return self.layout.staging(self.run_id, self.lease.number)

    @retried
    def fence(self) -> None:
        """Keep earlier runs from committing to the existing tables.

        A paused run does not know that it lost its lease. After this commit Delta refuses or skips
        its writes. Its earlier commits can be read.
        """
        existing = [name for name in self._locations if self.engine.is_table(name)]
        self.engine.in_parallel(self._fence, existing)
        if len(existing) == len(self._locations):
            self.lease.mark_fenced()

    @retried
    def exist(self) -> bool:
        """Whether the output has a features table. Raises DamagedTableError for a damaged one."""
        return self.engine.is_table(self.layout.features)

    def fingerprint(self) -> dict[str, Any] | None:
        """The fingerprint of the features table; None without a table."""
        return fingerprint_of(self.engine, self.layout.features) if self.exist() else None

    @retried
    def create(self, fingerprint: dict[str, Any]) -> bool:
        """Create both tables unless they exist; returns whether they are empty.

        They are not empty if a paused run resumed and committed just before. Quarantine is created
        first: a run that finds a features table assumes that both exist. Raises
        FingerprintMismatchError if the paused run makes other features.
        """
        self.lease.renew()
        self._create_quarantine()
        properties = _properties(fingerprint)
        self.engine.create(self.layout.features, schemas.FEATURES_SCHEMA, properties)
        if not self.lease.took_over:
            return True
        self.fence()
        self._require_fingerprint(fingerprint)
        return all(self.engine.is_empty(location) for location in self._locations)

    @retried
    def restore_quarantine(self) -> None:
        """Create the quarantine table, empty, if it was deleted."""
        if not self.engine.is_table(self.layout.quarantine):
            self.lease.renew()
            self._create_quarantine()
            if self.lease.took_over:
                self.fence()

    @retried
    def clear_quarantine(self) -> bool:
        """Delete all rows of quarantine; returns whether there were any.

        Call it if the features table was deleted: then all images are new, and bad ones would be
        quarantined twice.
        """
        quarantine = self.layout.quarantine
        if not self.engine.is_table(quarantine) or self.engine.is_empty(quarantine):
            return False
        self.lease.renew()
        self._commit(quarantine, _CLEAR, self.engine.delete_all)
        return True

    def version(self) -> int:
        """The version of the features table."""
        history = DeltaTable.forPath(self.spark, self.layout.features).history(1)
        return int(history.select("version").collect()[0][0])

    def table_id(self) -> str:
        """Delta's id of the features table; a table that was deleted and recreated has another."""
        detail = DeltaTable.forPath(self.spark, self.layout.features).detail()
        return str(detail.select("id").collect()[0][0])

    def features_bytes(self) -> int:
        """The size in bytes of the current version of the features table."""
        detail = DeltaTable.forPath(self.spark, self.layout.features).detail()
        return int(detail.select("sizeInBytes").collect()[0][0])

    def changes(self, since: int) -> DataFrame | None:
        """FEATURES_SCHEMA and IS_ADDED of each row added or removed after the version `since`.

        None without changes. Fails, at the latest when the rows are read, if the changes were
        vacuumed or the table has no change feed.
        """
        if self.version() == since:
            return None
        return (
            self.spark.read.format("delta")
            .option("readChangeFeed", "true")
            .option("startingVersion", since + 1)
            .load(self.layout.features)
            .withColumn(schemas.IS_ADDED, F.col("_change_type").isin("insert", "update_postimage"))
            .select(*schemas.FEATURES_SCHEMA.names, schemas.IS_ADDED)
        )

    def features(self) -> DataFrame:
        """The features table, FEATURES_SCHEMA."""
        return self.engine.read(self.layout.features)

    def quarantine(self) -> DataFrame:
        """The quarantine table, QUARANTINE_SCHEMA."""
        return self.engine.read(self.layout.quarantine)

    @retried
    def feature_count(self) -> int:
        """The number of rows of the features table."""
        return self.features().count()

    @retried
    def append(self, outcome: DataFrame, batch: int, rows: int, *, bad: int | None = None) -> None:
        """Append one batch (OUTCOME_SCHEMA) whose paths are in neither table.

        `bad` of the `rows` go to quarantine; None: not counted. Batches of a run are committed in
        the order of their numbers.
        """
        self.lease.renew()
        good = self.engine.good_feature_rows(outcome, self.run_id, rows, shuffle=True)
        rows_of = {self.layout.features: good}
        # A commit costs a second, and most batches have no bad images.
        if self._has_bad(outcome, bad):
            rows_of[self.layout.quarantine] = self.engine.quarantine_rows(outcome, self.run_id)
        self.engine.in_parallel(
            lambda table: self._commit(table, _step(batch), self.engine.append, rows_of[table]),
            rows_of,
        )

    @retried
    def upsert(self, outcome: DataFrame, batch: int, *, bad: int | None = None) -> None:
        """Replace the rows that the paths of `outcome` have in either table.

        A crash between two commits leaves images in neither table, never in both; the next run
        featurizes them.
        """
        self.lease.renew()
        features, quarantine = self._locations
        if not self.engine.is_empty(quarantine):
            self._commit(quarantine, _step(batch), self.engine.delete, outcome)
        # This also deletes the features of changed images that are now bad.
        rows = self.engine.feature_rows(outcome, self.run_id)
        self._commit(features, _step(batch), self.engine.merge, rows, schemas.FEATURES)
        if self._has_bad(outcome, bad):
            rows = self.engine.quarantine_rows(outcome, self.run_id)
            self._commit(quarantine, _step(batch, 1), self.engine.merge, rows, schemas.REASON)

    @retried
    def replace(self, outcome: DataFrame, rows: int, fingerprint: dict[str, Any]) -> None:
        """Replace all rows of both tables, and the fingerprint.

        A crash between two commits leaves bad images in neither table, never in both.
        """
        self.lease.renew()
        features, quarantine = self._locations
        good = self.engine.good_feature_rows(outcome, self.run_id, rows)
        self._create_quarantine()
        self._commit(quarantine, _REPLACE, self.engine.delete_all)
        # Rows and fingerprint change in one commit.
        self._commit(features, _REPLACE, self.engine.replace, good, _properties(fingerprint))
        bad = self.engine.quarantine_rows(outcome, self.run_id)
        self._commit(quarantine, _REPLACE + 1, self.engine.overwrite, bad)
        self.lease.mark_fenced()

    @retried
    def drop(self, paths: DataFrame) -> None:
        """Delete the rows of `paths` from both tables, after the last batch."""
        self.lease.renew()
        self.engine.in_parallel(
            lambda table: self._commit(table, _DROP, self.engine.delete, paths), self._locations
        )

    @retried
    def relabel(self, labels: DataFrame) -> None:
        """Set the labels of the rows of these paths (path, label; no path twice) in both tables."""
        self.lease.renew()
        self.engine.in_parallel(
            lambda table: self._commit(table, _RELABEL, self.engine.set_labels, labels),
            self._locations,
        )

    @property
    def _locations(self) -> tuple[str, str]:
        return self.layout.features, self.layout.quarantine

    def _create_quarantine(self) -> None:
        self.engine.create(self.layout.quarantine, schemas.QUARANTINE_SCHEMA, {})

    def _fence(self, location: str) -> None:
        self._commit(location, _FENCE, self.engine.fence)

    def _require_fingerprint(self, fingerprint: dict[str, Any]) -> None:
        if self.fingerprint() != fingerprint:
            raise FingerprintMismatchError(
                f"a run that was stopped created {self.layout.features} with another fingerprint",
                expected="the fingerprint of this run",
                fix="run the same command again: it names the difference",
            )

    def _has_bad(self, outcome: DataFrame, bad: int | None) -> bool:
        return bad > 0 if bad is not None else self.engine.has_bad(outcome)

    def _commit(self, location: str, step: int, write: Callable[..., None], *rows: Any) -> None:
        """Call `write` with the transaction version of `step`.

        Delta skips the write and reports success if this run has already committed the step, or if
        a later run has committed anything. The table's last transaction version shows which
        is the case. Raises OutputBusyError for a later run.
        """
        base = self.lease.number * _MAX_STEPS
        write(location, *rows, base + step)
        if self.engine.last_version(location) >= base + _MAX_STEPS:
            raise self.lease.lost_error()


def _step(batch: int, commit: int = 0) -> int:
    """The number of the first or second commit of a batch to a table."""
    return _RELABEL + 1 + 2 * batch + commit


def read_features(spark: SparkSession, layout: Layout) -> DataFrame:
    """The features table, FEATURES_SCHEMA, for commands that do not write to this output."""
    return spark.read.format("delta").load(layout.features)


def fingerprint_of(engine: DeltaEngine, features_path: str) -> dict[str, Any] | None:
    """The fingerprint of an existing features table; None if it has none."""
    value = engine.properties(features_path).get(FINGERPRINT_PROPERTY)
    return None if value is None else dict(json.loads(value))


def _properties(fingerprint: dict[str, Any]) -> dict[str, str]:
    """Properties of a features table: its fingerprint, and a change feed for later fits."""
    return {
        FINGERPRINT_PROPERTY: json.dumps(fingerprint, sort_keys=True),
        "delta.enableChangeDataFeed": "true",
    }
