"""Delta's rules for concurrent writers, in memory.

Each write takes a snapshot, makes files from it and tries to commit them as the next version of the
table. The rules are those of Delta's Serializable isolation, the default of its open source; the
test tests/integration/output/test_delta_rules.py checks the real Delta for the same rules.

1. A write whose transaction version is not above that of its snapshot is skipped without an error.
2. A write that finds newer commits of the same application fails with a conflict.
3. A MERGE or DELETE has read the whole table. It conflicts with a commit that added or removed a
   file.
4. A blind append conflicts with nothing but rule 2.
5. OPTIMIZE has no transaction version. It conflicts with commits that removed its files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from job.errors import TransportError
from job.output.delta_engine import T
from tests.unit.pipeline.protocol.fake_storage import request
from tests.unit.pipeline.protocol.simulation import FakeThreadPool, Simulation


@dataclass(frozen=True)
class Row:
    """An image version in one of the tables, or staged; a bad one has a reason."""

    path: str
    etag: int
    reason: str | None
    label: int = 0


@dataclass(frozen=True, eq=False)
class File:
    """A data file: two of the same rows are two files."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Commit:
    """The files that a commit leaves, and what other writers check."""

    files: tuple[File, ...]
    transaction: int
    committed: int | None
    added: bool
    removed: frozenset[File]


@dataclass(frozen=True)
class Change:
    """The changes of a write to the files of its snapshot.

    A `blind` write has not read them. A write that `keeps_rows` has read only the removed files.
    """

    added: tuple[File, ...]
    removed: frozenset[File]
    blind: bool = False
    keeps_rows: bool = False


@dataclass
class Table:
    """The log of one table."""

    log: list[Commit] = field(default_factory=list)
    properties: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> list[Row]:
        """The rows of the last version."""
        return [row for file in self.log[-1].files for row in file.rows] if self.log else []


Plan = Callable[[Commit], Change]


@dataclass(frozen=True)
class FakeDelta:
    """A DeltaEngine of one process, on `tables` that all processes share.

    Rows are lists of Row. `last_versions` holds the transaction version of each table as of the
    last write of this process.
    """

    simulation: Simulation
    tables: dict[str, Table]
    last_versions: dict[str, int] = field(default_factory=dict)
    spark: None = None

    def is_table(self, location: str) -> bool:
        """Whether the table has a commit."""
        return request(self.simulation, lambda: location in self.tables)

    def read(self, location: str) -> list[Row]:
        """All rows of the table."""
        return request(self.simulation, lambda: self.tables[location].rows())

    def is_empty(self, location: str) -> bool:
        """Whether the table has no rows."""
        return not self.read(location)

    def properties(self, location: str) -> Mapping[str, str]:
        """The properties of the table."""
        return request(self.simulation, lambda: self.tables[location].properties)

    def create(self, location: str, _schema: object, properties: Mapping[str, str]) -> None:
        """Create the table, empty, unless it exists."""
        first = Commit((), -1, None, added=False, removed=frozenset())
        table = Table([first], properties)
        request(self.simulation, lambda: self.tables.setdefault(location, table))

    def append(self, location: str, rows: list[Row], version: int) -> None:
        """Append rows."""
        self._write(location, version, lambda _: Change(_files(rows), frozenset(), blind=True))

    def fence(self, location: str, version: int) -> None:
        """Commit `version` and no rows."""
        self.append(location, [], version)

    def overwrite(self, location: str, rows: list[Row], version: int) -> None:
        """Replace all rows."""
        self._write(location, version, lambda now: Change(_files(rows), frozenset(now.files)))

    def replace(
        self, location: str, rows: list[Row], properties: Mapping[str, str], version: int
    ) -> None:
        """Replace all rows; creates the table."""
        if not self.is_table(location):
            self.create(location, None, properties)
        self.overwrite(location, rows, version)

    def delete_all(self, location: str, version: int) -> None:
        """Delete all rows."""
        self._write(location, version, lambda now: Change((), frozenset(now.files)))

    def delete(self, location: str, paths: list[Row], version: int) -> None:
        """Delete the rows of these paths."""
        self._write(
            location, version, lambda now: _merge_change(now, {row.path: None for row in paths})
        )

    def merge(self, location: str, rows: list[Row], column: str, version: int) -> None:
        """Insert or update by path the rows with a value in `column`; delete other paths."""
        belongs = (
            (lambda row: row.reason is None) if column == "features" else (lambda row: row.reason)
        )
        new = {row.path: row if belongs(row) else None for row in rows}
        self._write(location, version, lambda now: _merge_change(now, new))

    def set_labels(self, location: str, labels: list[Row], version: int) -> None:
        """Set the labels of the rows of these paths."""
        label_of = {row.path: row.label for row in labels}
        self._write(location, version, lambda now: _relabel_change(now, label_of))

    def optimize(self, location: str) -> None:
        """Rewrite all files as one; no transaction version."""
        self._write(location, None, _compact_change)

    def last_version(self, location: str) -> int:
        """The transaction version as of the last write of this process."""
        return self.last_versions.get(location, -1)

    def in_parallel(self, step: Callable[[T], None], tables: Iterable[T]) -> None:
        """Call `step` with each table in a separate thread."""
        with FakeThreadPool(self.simulation) as threads:
            futures = [threads.submit(step, table) for table in tables]
            for future in futures:
                future.result()

    def feature_rows(self, outcome: list[Row], _run_id: str) -> list[Row]:
        """All rows; those of bad images have no features."""
        return outcome

    def good_feature_rows(
        self, outcome: list[Row], _run_id: str, _images: int, **_: Any
    ) -> list[Row]:
        """The rows without a reason."""
        return [row for row in outcome if row.reason is None]

    def quarantine_rows(self, outcome: list[Row], _run_id: str) -> list[Row]:
        """The rows with a reason."""
        return [row for row in outcome if row.reason is not None]

    def has_bad(self, outcome: list[Row]) -> bool:
        """Whether a row has a reason."""
        return any(row.reason is not None for row in outcome)

    def _write(self, location: str, version: int | None, plan: Plan) -> None:
        table = self.tables[location]
        base = request(self.simulation, lambda: len(table.log))
        snapshot = table.log[base - 1]
        self.last_versions[location] = snapshot.transaction
        if version is not None and snapshot.transaction >= version:
            return
        change = plan(snapshot)
        # Files are written; other processes commit.
        request(self.simulation, lambda: self._commit(location, version, base, change))

    def _commit(self, location: str, version: int | None, base: int, change: Change) -> None:
        table = self.tables[location]
        for other in table.log[base:]:
            _require_no_conflict(table.log[base - 1], change, version, other)
        last = table.log[-1]
        kept = tuple(file for file in last.files if file not in change.removed)
        transaction = last.transaction if version is None else version
        table.log.append(
            Commit(
                kept + change.added,
                transaction,
                version,
                added=bool(change.added),
                removed=change.removed,
            )
        )
        self.last_versions[location] = transaction


def _require_no_conflict(
    snapshot: Commit, change: Change, version: int | None, other: Commit
) -> None:
    same_application = version is not None and other.committed is not None
    read = change.removed if change.keeps_rows else frozenset(snapshot.files)
    removed_read_files = not change.blind and bool(read & other.removed)
    added_unseen = not change.blind and not change.keeps_rows and other.added
    if same_application or removed_read_files or added_unseen:
        raise TransportError("conflict", expected="one writer", fix="again")


def _files(rows: Iterable[Row]) -> tuple[File, ...]:
    content = tuple(rows)
    return (File(content),) if content else ()


def _merge_change(now: Commit, new: Mapping[str, Row | None]) -> Change:
    """A file with a row of these paths is rewritten; rows of new paths are inserted."""
    touched = [file for file in now.files if any(row.path in new for row in file.rows)]
    old = [row for file in touched for row in file.rows]
    matched = {row.path for row in old}
    kept = [row for row in old if row.path not in new]
    updated = [new[row.path] for row in old if row.path in new]
    inserted = [row for path, row in new.items() if path not in matched]
    rows = [row for row in (*kept, *updated, *inserted) if row is not None]
    return Change(_files(rows), frozenset(touched))


def _relabel_change(now: Commit, label_of: Mapping[str, int]) -> Change:
    touched = [
        file
        for file in now.files
        if any(label_of.get(row.path, row.label) != row.label for row in file.rows)
    ]
    rows = [
        Row(row.path, row.etag, row.reason, label_of.get(row.path, row.label))
        for file in touched
        for row in file.rows
    ]
    return Change(_files(rows), frozenset(touched))


def _compact_change(now: Commit) -> Change:
    rows = [row for file in now.files for row in file.rows]
    return Change(_files(rows), frozenset(now.files), keeps_rows=True)
