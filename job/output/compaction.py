"""Compacts the small files of daily runs into large ones, and deletes old files."""

from __future__ import annotations

from delta.tables import DeltaTable

from job.output.file_sizing import file_count
from job.output.tables import Tables
from job.runtime.retries import retried


@retried
def surplus_files(tables: Tables, rows: int) -> int:
    """The number of files of the features table above what `rows` rows need."""
    return _number_of_files(tables, tables.layout.features) - file_count(rows, slots=1)


@retried
def compact(tables: Tables, retention_hours: float) -> tuple[int, int]:
    """Rewrite small files of both tables as large ones.

    Returns the number of files of the features table before and after. Readers see the same rows
    throughout. Files that no version of the last `retention_hours` needs are deleted: readers that
    take longer fail, and so does time travel to older versions. Raises OutputBusyError.
    """
    before = _number_of_files(tables, tables.layout.features)
    for location in (tables.layout.features, tables.layout.quarantine):
        table = DeltaTable.forPath(tables.spark, location)
        tables.lease.renew()
        table.optimize().executeCompaction()
        # Compaction may have taken minutes, and vacuum deletes files.
        tables.lease.renew()
        table.vacuum(retention_hours)
    return before, _number_of_files(tables, tables.layout.features)


def _number_of_files(tables: Tables, location: str) -> int:
    detail = DeltaTable.forPath(tables.spark, location).detail()
    return int(detail.select("numFiles").collect()[0][0])
