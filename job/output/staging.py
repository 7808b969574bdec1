"""The staging folders of runs under an output: which there are, and when they are deleted."""

from __future__ import annotations

from contextlib import suppress

from pyspark.sql import SparkSession

from job.layout import Layout
from job.output.lease import Lease
from job.runtime import filesystem
from job.runtime.retries import retried


@retried
def staged_outcomes(spark: SparkSession, layout: Layout, run_id: str) -> list[str]:
    """The outcome folders of the run `run_id`, also of processes of that id that died before."""
    # The folders of earlier releases have no number.
    own = [name for name in _folders(spark, layout) if run_id in (name, name.partition("-")[2])]
    outcomes = [f"{layout.all_staging}/{name}/outcomes" for name in own]
    return [path for path in outcomes if filesystem.exists(spark, path)]


@retried
def delete_staged(spark: SparkSession, layout: Layout, lease: Lease) -> None:
    """Delete what this run and all before it have staged. Raises OutputBusyError.

    Folders are listed before the lease is renewed: a run that takes it over afterwards has folders
    of its own, which are not among them.
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
