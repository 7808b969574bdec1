"""Commits the batches of a run to the tables: appends, merges by path, or replaces all rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from job.output.tables import Tables
from job.runtime.retries import retried
from job.runtime.staging import read_outcome


@dataclass(frozen=True)
class BatchResult:
    """The staged outcome of one batch: OUTCOME_SCHEMA of `images` rows at `path`.

    `number` identifies the batch within its run. `bad` is the number of images for quarantine
    (None: not counted), `rate` the images per second that went through the network.
    """

    path: str
    number: int
    images: int
    bad: int | None
    rate: float


class Writer(Protocol):
    """Commits the batches of one run. Methods raise OutputBusyError if the lease was lost."""

    def commit(self, result: BatchResult) -> None:
        """Commit one batch; committing it twice changes nothing."""

    def finish(self) -> None:
        """Commit everything that waits for the last batch."""


@dataclass(frozen=True)
class AppendWriter:
    """For an output without rows: no path is in a table yet."""

    tables: Tables

    @retried
    def commit(self, result: BatchResult) -> None:
        """Append the rows to both tables."""
        rows = read_outcome(self.tables.spark, result.path)
        self.tables.append(rows, result.number, result.images, bad=result.bad)

    def finish(self) -> None:
        """Do nothing: all batches are committed."""


@dataclass(frozen=True)
class UpsertWriter:
    """For an output with rows: a changed image replaces its row in either table."""

    tables: Tables

    @retried
    def commit(self, result: BatchResult) -> None:
        """Merge the rows into both tables."""
        rows = read_outcome(self.tables.spark, result.path)
        self.tables.upsert(rows, result.number, bad=result.bad)

    def finish(self) -> None:
        """Do nothing: all batches are committed."""


@dataclass(frozen=True)
class ReplaceWriter:
    """For --refeaturize: the staged rows of all batches, `images` in all, replace the tables."""

    tables: Tables
    outcome: str
    images: int
    fingerprint: dict[str, Any]

    def commit(self, result: BatchResult) -> None:
        """Do nothing: the batch stays staged until `finish`."""

    @retried
    def finish(self) -> None:
        """Replace the rows of both tables."""
        rows = read_outcome(self.tables.spark, self.outcome)
        self.tables.replace(rows, self.images, self.fingerprint)
