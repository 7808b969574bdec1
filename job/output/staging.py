"""Lists and deletes the staging folders of runs under an output."""

from __future__ import annotations

from contextlib import suppress

from pyspark.sql import SparkSession

from job.layout import Layout
from job.output.lease import Lease
from job.runtime import filesystem
from job.runtime.retries import retried


@retried
def staged_outcomes(spark: SparkSession, layout: Layout, run_id: str) -> list[str]:
    """The outcome folders of the run `run_id`, including those of processes that died."""
    # The folders of earlier releases have no lease number.
    folders = [name for name in _folders(spark, layout) if run_id in (name, name.partition("-")[2])]
    outcomes = [f"{layout.all_staging}/{name}/outcomes" for name in folders]
    return [path for path in outcomes if filesystem.exists(spark, path)]


@retried
def delete_staged(spark: SparkSession, layout: Layout, lease: Lease) -> None:
    """Delete the staging folders of this run and of all earlier ones. Raises OutputBusyError.

    Folders are listed before the lease is renewed, so the list has no folder of a run that takes
    the lease over later.
    """
    folders = _folders(spark, layout)
    lease.renew()
    for name in folders:
        filesystem.delete(spark, f"{layout.all_staging}/{name}")
    filesystem.delete_empty(spark, layout.all_staging)


def _folders(spark: SparkSession, layout: Layout) -> list[str]:
    with suppress(FileNotFoundError):
        return filesystem.names(spark, layout.all_staging)
    return []
