"""The steps that several commands share: featurize, fit, project, export, report, compact."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pyspark.sql import DataFrame

from job.config import RETENTION_HOURS, ExportConfig, FeaturizeConfig, FitConfig, ReportConfig
from job.errors import InvalidValueError
from job.local_pages import write_page
from job.output import csv_export, parquet_export
from job.output.compaction import compact, surplus_files
from job.output.npy_export import ExportProgress, write_arrays
from job.output.summary import Summary, committer_of
from job.pipeline.drift import drift_scope, store_drift, write_projection
from job.pipeline.featurize import featurize, list_input
from job.pipeline.featurize_run import FeaturizeRun
from job.pipeline.fit import new_bundle, saved_bundle
from job.pipeline.preflight import prepare
from job.pipeline.reconciliation import Reconciliation, require_few_bad
from job.pipeline.recording import ProjectionResult
from job.pipeline.run import Run
from job.reduction.bundle import Bundle
from job.runtime import filesystem


def prepare_images(run: Run, config: FeaturizeConfig) -> FeaturizeRun:
    """Check everything about the images of a run before any is read."""
    with run.steps.step("check", unit="checks"):
        return run.record(prepare(run, config))


def featurize_images(
    run: Run, prepared: FeaturizeRun, components: int | None = None
) -> Reconciliation:
    """Featurize new images. Raises InvalidValueError for more `components` than images."""
    listing = list_input(prepared)
    if components is not None and components >= listing.count:
        raise InvalidValueError(
            f"--components is {components}, but only {listing.count:,} objects are listed",
            expected="fewer components than images",
            fix=f"set --components to at most {listing.count - 1}, or use --variance",
        )
    reconciliation = run.record(featurize(prepared, listing))
    rows = reconciliation.counts.featurized + reconciliation.counts.reused
    if surplus_files(run.tables, rows) > prepared.config.compact_above:
        compact_tables(run, RETENTION_HOURS)
    return reconciliation


def require_few_bad_images(run: Run, config: FeaturizeConfig, result: Reconciliation) -> None:
    """Raise TooManyBadImagesError if more than --max-bad-fraction of the images are bad."""
    require_few_bad(result, config.max_bad_fraction, run.layout.quarantine)


def fit_features(run: Run, config: FitConfig) -> Bundle:
    """The bundle to project with: the saved one if it is still valid, else a new fit."""
    with run.steps.step("fit", unit="rows"):
        saved = saved_bundle(run.tables, config)
        bundle = saved or new_bundle(run.tables, config, run.summary)
    if saved:
        rows = f"{saved.manifest.rows:,} rows"
        run.steps.display.print_line(
            f"fit: reused from {saved.manifest.run_id}, on {rows} (--refit fits again)"
        )
    return run.record(bundle)


def project_features(run: Run, bundle: Bundle) -> ProjectionResult:
    """Write the projection of all features, and detect drift."""
    features, scope = run.tables.features(), drift_scope(run.tables, bundle)
    with run.steps.step("project", unit="rows"):
        rows = run.tables.feature_count()
        statistics = write_projection(run.tables, features, rows, scope)
    images = rows if scope.run_id is None else run.summary.counts.featurized
    drift = store_drift(run.tables, scope, statistics, images)
    for finding in drift.get("findings", ()):
        run.steps.display.print_line(f"drift: {finding}")
    return run.record(ProjectionResult(rows, committer_of(run.spark, run.layout.projection), drift))


def export_csv(run: Run, config: ExportConfig, rows: int, k: int) -> None:
    """Write the projection as one CSV object, unless it has more rows than --csv-max-rows."""
    destination = config.destination or run.layout.csv
    if rows > config.csv_max_rows:
        run.steps.display.print_line(
            f"no CSV: {rows:,} rows are more than --csv-max-rows {config.csv_max_rows:,}"
        )
        return
    with run.steps.step("export", unit="rows", total=rows):
        csv_export.write_csv(run.spark, run.projection(), k, destination, f"{run.staging}/csv")


def export_arrays(
    run: Run, config: ExportConfig, images: DataFrame, rows: int, columns: int
) -> None:
    """Write features or components as a NumPy array, with paths and labels in a second file."""
    destination = config.destination or run.layout.arrays
    progress = ExportProgress()
    with run.steps.step("export", unit="rows", total=rows, done=lambda: progress.rows):
        write_arrays(images, config.exported, (rows, columns), destination, progress)


def export_parquet(run: Run, config: ExportConfig, images: DataFrame, rows: int) -> None:
    """Write the projection as Parquet to --destination."""
    assert config.destination is not None
    with run.steps.step("export", unit="rows"):
        parquet_export.write_parquet(images, rows, config.destination)


def compact_tables(run: Run, retention_hours: int) -> None:
    """Rewrite small files of both tables as large ones."""
    with run.steps.step("compact", unit="tables"):
        before, after = compact(run.tables, retention_hours)
    run.steps.display.print_line(f"compact: {before:,} files of features, now {after:,}")


def write_report(
    run: Run,
    config: ReportConfig,
    new_thumbnails: DataFrame | None,
    reported: Summary | None = None,
) -> Path | None:
    """Write the report of the run `reported`, by default of this one; returns its local copy."""
    # Importing the plots takes a second: do it here, after all images are featurized.
    from job.report.collect import collect_report_data
    from job.report.report import render_report

    with run.steps.step("report", unit="pages"):
        summary = dataclasses.asdict(reported or run.measured_summary())
        data = collect_report_data(run.tables, summary, new_thumbnails)
        html = render_report(data)
        filesystem.write_bytes(run.spark, run.layout.report_data, data.to_json().encode())
        filesystem.write_bytes(run.spark, run.layout.report, html.encode())
        if config.local_copy is None:
            return None
        return write_page("--report-copy", config.local_copy, html)
