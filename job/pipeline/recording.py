"""The summary of a run, assembled from the results of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

from job.output.summary import Counts, Summary
from job.pipeline.featurize_run import FeaturizeRun
from job.pipeline.reconciliation import Reconciliation
from job.reduction.bundle import Bundle


@dataclass(frozen=True)
class ExistingFeatures:
    """The tables that a command reads: their fingerprint, and their counts if it counted rows."""

    fingerprint: dict[str, Any]
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True)
class ProjectionResult:
    """A projection of `rows` images, with the committer that wrote it and its drift."""

    rows: int
    committer: str | None
    drift: dict[str, Any]


@singledispatch
def record(result: object, summary: Summary) -> None:
    """Write the result of a step into the summary."""
    raise TypeError(f"a summary has no place for {type(result).__name__}")


@record.register
def _(result: FeaturizeRun, summary: Summary) -> None:
    summary.input_path = result.config.images.input_path
    summary.fingerprint = result.fingerprint
    summary.reader = "s3a" if result.worker.store is None else "concurrent"


@record.register
def _(result: ExistingFeatures, summary: Summary) -> None:
    summary.fingerprint = result.fingerprint
    summary.counts = result.counts


@record.register
def _(result: Reconciliation, summary: Summary) -> None:
    summary.counts = result.counts
    summary.quarantine_reasons = result.reasons
    summary.relabelled = result.relabelled
    summary.repairs = list(result.repairs)


@record.register
def _(result: Bundle, summary: Summary) -> None:
    summary.fitted_by = result.manifest.run_id
    summary.components = result.manifest.k
    summary.explained_variance = result.manifest.variance_explained


@record.register
def _(result: ProjectionResult, summary: Summary) -> None:
    summary.committer = result.committer
    summary.drift = result.drift
