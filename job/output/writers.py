"""How the batches of a run reach the tables: appended, merged by path, or all at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from job.output.tables import Tables
from job.runtime.retries import retried
from job.runtime.staging import read_outcome


@dataclass(frozen=True)
class BatchResult:
    """The staged outcome of one batch: OUTCOME_SCHEMA of `images` rows at `path`.

    `number` tells it from the other batches of its run, `bad` of its images go to quarantine
    (None: not counted), `rate` images per second went through the network.
    """

    path: str
    number: int
    images: int
    bad: int | None
    rate: float


class Writer(Protocol):
    """Commits the batches of one run; OutputBusyError where the lease was lost."""

    def commit(self, result: BatchResult) -> None:
        """Commit one batch; committing it twice changes nothing."""

    def finish(self) -> None:
        """Commit what waits for the last batch."""


@dataclass(frozen=True)
class AppendWriter:
    """For an output without rows: no path can be there already."""

    tables: Tables

    @retried
    def commit(self, result: BatchResult) -> None:
        """Append the rows to both tables."""
        rows = read_outcome(self.tables.spark, result.path)
        self.tables.append(rows, result.number, result.images, bad=result.bad)

    def finish(self) -> None:
        """Nothing is left."""


@dataclass(frozen=True)
class UpsertWriter:
    """For an output with rows: a changed image replaces its row, in whichever table that is."""

    tables: Tables

    @retried
    def commit(self, result: BatchResult) -> None:
        """Merge the rows into both tables."""
        rows = read_outcome(self.tables.spark, result.path)
        self.tables.upsert(rows, result.number, bad=result.bad)

    def finish(self) -> None:
        """Nothing is left."""


@dataclass(frozen=True)
class ReplaceWriter:
    """For --refeaturize: the staged rows of all batches, `images` in all, replace the tables."""

    tables: Tables
    outcome: str
    images: int
    fingerprint: dict[str, Any]

    def commit(self, result: BatchResult) -> None:
        """The batch stays staged until the last one."""

    @retried
    def finish(self) -> None:
        """Replace the rows of both tables."""
        rows = read_outcome(self.tables.spark, self.outcome)
        self.tables.replace(rows, self.images, self.fingerprint)
