"""Few large files out of the many small ones of daily runs, and old files deleted."""

from __future__ import annotations

from delta.tables import DeltaTable

from job.output.file_sizing import file_count
from job.output.tables import Tables
from job.runtime.retries import retried


@retried
def surplus_files(tables: Tables, rows: int) -> int:
    """How many files the features table has beyond those that `rows` rows need."""
    return _file_number(tables, tables.layout.features) - file_count(rows, slots=1)


@retried
def compact(tables: Tables, retention_hours: float) -> tuple[int, int]:
    """Rewrite small files of both tables as large ones; files of features before and after.

    Readers see the same rows throughout. What no version of the last `retention_hours` needs is
    deleted: a reader that takes longer than that fails, and so does time travel beyond it. Raises
    OutputBusyError.
    """
    before = _file_number(tables, tables.layout.features)
    for location in (tables.layout.features, tables.layout.quarantine):
        table = DeltaTable.forPath(tables.spark, location)
        tables.lease.renew()
        table.optimize().executeCompaction()
        # That may have taken minutes, and this deletes files.
        tables.lease.renew()
        table.vacuum(retention_hours)
    return before, _file_number(tables, tables.layout.features)


def _file_number(tables: Tables, location: str) -> int:
    detail = DeltaTable.forPath(tables.spark, location).detail()
    return int(detail.select("numFiles").collect()[0][0])
