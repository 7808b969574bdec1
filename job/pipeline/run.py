"""One run of one command: its session, lease, summary, steps and staging folder."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from pyspark.sql import DataFrame, SparkSession
from rich.console import Console

from job import schemas
from job.analysis.cost.bill import compute_bill
from job.analysis.cost.formatting import cost_values, usage_values
from job.analysis.cost.live_usage import live_usage
from job.analysis.cost.prices import Prices
from job.config import LEASE_SECONDS
from job.display import display_for
from job.errors import InvalidValueError, OutputBusyError
from job.layout import Layout
from job.output.access import writing_to
from job.output.delta_engine import DeltaEngine
from job.output.lease import Lease, acquire
from job.output.lease_store import lease_store
from job.output.staging import delete_staged
from job.output.summary import Summary, git_revision, versions
from job.output.tables import Tables
from job.pipeline.recording import record
from job.runtime import filesystem
from job.runtime.pod_annotation import with_pod_progress
from job.runtime.progress import Steps
from job.runtime.retries import StorageRetries, retried, storage_retries
from job.runtime.spark_errors import STORAGE_EXCEPTIONS

T = TypeVar("T")


@dataclass(frozen=True)
class RunOptions:
    """The options of all commands that write to an output.

    A lease that is not renewed for `lease_seconds` expires. With `prices` the summary has costs.
    """

    run_id: str
    lease_seconds: float = LEASE_SECONDS
    prices: Prices | None = None


@dataclass(frozen=True)
class Run:
    """A run that holds the lease on its output; `open` makes one."""

    spark: SparkSession
    summary: Summary
    steps: Steps
    lease: Lease
    options: RunOptions

    @classmethod
    @contextmanager
    def open(
        cls, spark: SparkSession, command: str, config: Any, output_path: str, options: RunOptions
    ) -> Iterator[Run]:
        """Hold the lease on the output during the block, and write the summary at its end.

        The block retries temporary failures of the storage. If the block raises, the summary has
        the error and staged files stay; otherwise they are deleted. Raises OutputBusyError,
        AccessDeniedError.
        """
        with _lease(spark, output_path, options) as lease:
            display = with_pod_progress(display_for(sys.stderr), spark)
            summary = new_summary(spark, command, config, output_path, options.run_id)
            run = cls(spark, summary, Steps(display, before=lease.renew), lease, options)
            try:
                with storage_retries(StorageRetries(output_path)):
                    run._fence()
                    yield run
                    run._complete()
            except BaseException as error:
                run._fail(error)
                raise
            finally:
                summary.print_table(Console())

    @property
    def layout(self) -> Layout:
        """The paths under the output path."""
        return Layout(self.summary.output_path)

    @property
    def tables(self) -> Tables:
        """The tables of the output, as this run writes them."""
        return Tables(DeltaEngine(self.spark), self.layout, self.summary.run_id, self.lease)

    @property
    def staging(self) -> str:
        """The folder of the temporary files of this run."""
        return self.tables.staging

    def projection(self) -> DataFrame:
        """The projection under the output, PROJECTION_SCHEMA."""
        return self.spark.read.schema(schemas.PROJECTION_SCHEMA).parquet(self.layout.projection)

    def record(self, result: T) -> T:
        """Write the result of a step into the summary, and return the result."""
        record(result, self.summary)
        return result

    def measured_summary(self) -> Summary:
        """The summary with the seconds, usage and cost so far."""
        self.summary.seconds = {name: round(value, 3) for name, value in self.steps.seconds.items()}
        usage = live_usage(self.spark, self.summary.counts.featurized)
        self.summary.usage = usage_values(usage)
        if self.options.prices is not None:
            self.summary.cost = cost_values(compute_bill(usage, self.options.prices))
        seconds, featurized = self.steps.seconds.get("featurize"), self.summary.counts.featurized
        if seconds and featurized:
            self.summary.images_per_second = round(featurized / seconds, 1)
        return self.summary

    def _fence(self) -> None:
        # If there was no lease object, it may have been deleted while its holder was alive.
        if self.lease.predecessor is None or self.lease.took_over:
            self.tables.fence()

    def _complete(self) -> None:
        self.lease.renew()
        self._write_summary("complete")
        # If another run has taken over, that run deletes the staged files.
        with suppress(OutputBusyError):
            delete_staged(self.spark, self.layout, self.lease)

    def _fail(self, error: BaseException) -> None:
        # The storage may be the cause, so there are no retries. Renew first: if the lease is lost,
        # the summary of this id may be that of the run that took over.
        with suppress(*STORAGE_EXCEPTIONS):
            self.lease.renew()
            self._write_summary(_status(error))

    @retried
    def _write_summary(self, status: str) -> None:
        self.summary.status = status
        self.summary.finished = _now()
        self.measured_summary().write(self.spark, self.layout.summary(self.summary.run_id))


def complete_summary(
    spark: SparkSession, command: str, output_path: str, run_id: str
) -> Summary | None:
    """The summary of a complete run with this id; None if it or one of its results is gone.

    Raises InvalidValueError if the id belongs to a run of another command.
    """
    # Storage that fails now is reported by the checks of the run itself.
    with suppress(FileNotFoundError, *STORAGE_EXCEPTIONS):
        summary = Summary.read(spark, Layout(output_path).summary(run_id))
        if summary.status != "complete":
            return None
        if summary.command != command:
            raise InvalidValueError(
                f"--run-id {run_id!r} belongs to a complete `{summary.command}`",
                expected="an id that no other run has",
                fix="choose another, or leave it out",
            )
        if missing := _missing(spark, Layout(output_path), command):
            message = f"run {run_id} was complete, but {missing} is gone: it runs again"
            print(message, file=sys.stderr, flush=True)
            return None
        return summary
    return None


def _missing(spark: SparkSession, layout: Layout, command: str) -> str | None:
    """The first missing result of a complete run of `command`; None if there is none."""
    paths = layout.result_paths(command)
    return next((path for path in paths if not filesystem.exists(spark, path)), None)


def new_summary(
    spark: SparkSession, command: str, config: Any, output_path: str, run_id: str
) -> Summary:
    """The summary of a run that starts now, with its settings and versions."""
    return Summary(
        run_id=run_id,
        command=command,
        input_path=None,
        output_path=output_path,
        started=_now(),
        settings=dataclasses.asdict(config),
        versions=versions(spark),
        git_revision=git_revision(),
    )


@contextmanager
def _lease(spark: SparkSession, output_path: str, options: RunOptions) -> Iterator[Lease]:
    with writing_to(output_path):
        store = lease_store(spark, Layout(output_path).lease)
        lease = acquire(store, options.run_id, output_path, options.lease_seconds)
    try:
        yield lease
    finally:
        lease.release()


def _status(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return f"failed: {str(error) or type(error).__name__}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
