"""drift/<run id>.json: what each run has found, kept for the report's chart."""

from __future__ import annotations

from contextlib import suppress

from pyspark.sql import SparkSession

from job import files
from job.drift.judged import Drift
from job.output.layout import Layout

# The last by name: run ids begin with the time, unless they were given.
MOST_RUNS = 100


def keep(spark: SparkSession, layout: Layout, drift: Drift) -> None:
    """Write the drift of one run."""
    files.write_bytes(spark, layout.drift(drift.run_id), drift.to_json().encode())


def kept(spark: SparkSession, layout: Layout) -> list[Drift]:
    """The drift of the last runs, at most MOST_RUNS, the earliest first."""
    try:
        names = files.names(spark, layout.all_drift)
    except FileNotFoundError:
        return []
    found = []
    for name in names[-MOST_RUNS:]:
        with suppress(ValueError):
            text = files.read_bytes(spark, f"{layout.all_drift}/{name}").decode()
            found.append(Drift.from_json(text))
    return sorted(found, key=lambda each: each.created)
