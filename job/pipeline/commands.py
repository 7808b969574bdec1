"""The order of things: one function per subcommand, from its config to its summary."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from job import schemas
from job.analysis.classification.classify import Classifying, classify
from job.analysis.classification.predict import load_classifier, predict
from job.analysis.classification.result import Predicted, Result
from job.analysis.clustering.cluster import cluster
from job.analysis.cost.bill import bill
from job.analysis.cost.formatting import costs, in_numbers
from job.analysis.cost.live_usage import live_usage
from job.analysis.cost.prices import Prices
from job.config import (
    RETENTION_HOURS,
    ClassifyConfig,
    ClusterConfig,
    CompactConfig,
    ExportConfig,
    FeaturizeConfig,
    FitConfig,
    PredictConfig,
    ProjectConfig,
    ReportConfig,
    RunConfig,
)
from job.display import display_for
from job.errors import InvalidValueError
from job.output import exports
from job.output.access import require_features, require_projection, writing_to
from job.output.compaction import compact, surplus_files
from job.output.layout import Layout
from job.output.lease import LEASE_SECONDS, Claim, claim
from job.output.lease_store import claim_store
from job.output.npy_export import Written, write_arrays
from job.output.summary import Counts, Summary, committer_of, complete_runs, git_revision, versions
from job.output.tables import Tables
from job.pipeline.drift import kept_drift, reference_of, require_no_drift, watch, write_watched
from job.pipeline.featurize import Featurizing, featurize, thumbnails
from job.pipeline.fit import kept_bundle, new_bundle
from job.pipeline.preflight import prepare
from job.pipeline.reconciliation import Account, require_few_bad
from job.reduction.bundle import Bundle, load_bundle, require_fingerprint
from job.runtime import filesystem
from job.runtime.pod_annotation import with_pod_progress
from job.runtime.progress import Stages
from job.runtime.spark_errors import STORAGE_EXCEPTIONS, waiting_out


@dataclass
class Application:
    """One run of one subcommand: its session, its stages and the summary it fills.

    `claim` is there from when its output is claimed; with `prices` the summary says what it costs.
    """

    spark: SparkSession
    summary: Summary
    stages: Stages
    claim: Claim | None = None
    claim_seconds: float = LEASE_SECONDS
    prices: Prices | None = None

    @property
    def layout(self) -> Layout:
        return Layout(self.summary.output_path)

    @property
    def tables(self) -> Tables:
        assert self.claim is not None
        return Tables(self.spark, self.layout, self.summary.run_id, self.claim)

    @property
    def staging(self) -> str:
        return self.layout.staging(self.summary.run_id)

    def described(self) -> dict[str, Any]:
        """The summary as it is now, with the stages so far."""
        _measure(self)
        return dataclasses.asdict(self.summary)


def application(
    spark: SparkSession,
    command: str,
    config: Any,
    output_path: str,
    run_id: str,
    claim_seconds: float = LEASE_SECONDS,
    prices: Prices | None = None,
) -> Application:
    """An application whose summary says what was asked for and by which versions."""
    summary = Summary(
        run_id=run_id,
        command=command,
        input_path=None,
        output_path=output_path,
        started=_now(),
        settings=dataclasses.asdict(config),
        versions=versions(spark),
        git_revision=git_revision(),
    )
    display = with_pod_progress(display_for(sys.stderr), spark)
    stages = Stages(display)
    return Application(spark, summary, stages, claim_seconds=claim_seconds, prices=prices)


def is_complete(app: Application) -> bool:
    """Whether a run of this id has ended well: it is not done again.

    Raises InvalidValueError where that was a run of another subcommand.
    """
    # Storage that fails now is found, and told, by the checks of the run itself.
    with suppress(FileNotFoundError, *STORAGE_EXCEPTIONS):
        before = Summary.read(app.spark, app.layout.summary(app.summary.run_id))
        if before.status != "complete":
            return False
        if before.command != app.summary.command:
            raise InvalidValueError(
                f"--run-id {before.run_id!r} is of a complete `{before.command}`",
                expected="an id of this run alone",
                fix="choose another, or leave it out",
            )
        app.summary = before
        return True
    return False


def run(app: Application, config: RunConfig) -> Path | None:
    """Featurize, fit, project, export and report; returns the report's local copy."""
    with _recorded(app):
        this, found = _featurize(app, config.featurize, components=config.fit.components)
        fitted = _fit(app, config.fit)
        rows = _project(app, fitted)
        _export_csv(app, config.export, rows, fitted.fit.k)
        copy = _report(app, config.report, thumbnails(this))
        _require_few_bad(app, config.featurize, found)
        if config.fail_on_drift:
            require_no_drift(app.summary.drift, fitted.path)
        return copy


def run_featurize(app: Application, config: FeaturizeConfig) -> None:
    """Features and quarantine tables of the images under the input."""
    with _recorded(app):
        _, found = _featurize(app, config)
        _require_few_bad(app, config, found)


def run_fit(app: Application, config: FitConfig) -> None:
    """Scaler + PCA bundle of all features under the output path, and their projection."""
    _require_features(app)
    with _recorded(app):
        fitted = _fit(app, config)
        _project(app, fitted)


def run_project(app: Application, config: ProjectConfig) -> None:
    """The bundle's components of the features under the output path, and of new images."""
    bundle = load_bundle(app.spark, config.bundle_path)
    # What is wrong with it is said now, not after all images are featurized.
    reference_of(bundle)
    accepts = partial(require_fingerprint, bundle)
    if config.featurize is None:
        _require_features(app)
    with _recorded(app):
        found = None
        if config.featurize:
            _, found = _featurize(app, config.featurize, accepts=accepts)
        accepts(app.tables.fingerprint() or {})
        _tell_fit(app, bundle)
        rows = _project(app, bundle)
        _export_csv(app, ExportConfig(config.output_path), rows, bundle.fit.k)
        if config.featurize and found:
            _require_few_bad(app, config.featurize, found)
        if config.fail_on_drift:
            require_no_drift(app.summary.drift, bundle.path)


def run_export(app: Application, config: ExportConfig) -> None:
    """The projection as CSV, Parquet or an array, at a destination of one's own; or the features.

    Only an array is made of the features: their table is Parquet already.
    """
    features = config.exported == schemas.FEATURES
    require = _require_features if features else _require_projection
    require(app)
    with _recorded(app):
        images = app.tables.features() if features else _read_projection(app)
        first = images.first()
        columns = 0 if first is None else len(first[config.exported])
        rows = images.count()
        if config.file_format == "csv":
            _export_csv(app, config, rows, columns)
        elif config.file_format == "npy":
            _export_arrays(app, config, images, rows, columns)
        else:
            _export_parquet(app, config, images, rows)


def run_cluster(app: Application, config: ClusterConfig) -> None:
    """k-means clusters of the projection, and how well they agree with the labels."""
    _require_projection(app)
    with _recorded(app):
        app.summary.fingerprint = app.tables.fingerprint() or {}
        with app.stages.stage("cluster", unit="images"):
            found = waiting_out(
                lambda: cluster(_read_projection(app), config, app.layout.clusters, app.summary),
                app.layout.clusters,
            )
        app.stages.display.end(found.told())


def run_classify(app: Application, config: ClassifyConfig) -> list[Result]:
    """Classifiers of the features under the output path, trained, scored and saved."""
    _require_features(app)
    bundle = load_bundle(app.spark, app.layout.bundle) if schemas.PCA in config.inputs else None
    with _recorded(app):
        fingerprint = app.tables.fingerprint() or {}
        if bundle is not None:
            require_fingerprint(bundle, fingerprint)
        app.summary.fingerprint = fingerprint
        return classify(
            Classifying(
                app.spark,
                config,
                app.tables.features(),
                fingerprint,
                app.summary.versions,
                bundle,
                app.layout,
                app.stages,
            )
        )


def run_predict(app: Application, config: PredictConfig) -> Predicted:
    """What a saved classifier says of the features under the output path, and of new images."""
    saved = load_classifier(app.spark, config.model_path)
    if config.featurize is None:
        _require_features(app)
    with _recorded(app):
        found = None
        if config.featurize:
            _, found = _featurize(app, config.featurize, accepts=saved.require)
        saved.require(app.tables.fingerprint() or {})
        with app.stages.stage("predict"):
            predicted = waiting_out(
                lambda: predict(
                    saved, app.tables.features(), app.layout, app.staging, config.low_confidence
                ),
                app.layout.predictions,
            )
        if config.featurize and found:
            _require_few_bad(app, config.featurize, found)
        return predicted


def run_report(app: Application, config: ReportConfig) -> Path | None:
    """report/index.html of what the output path holds."""
    _require_projection(app)
    with _recorded(app):
        app.tables.restore_quarantine()
        features, bad = app.tables.features().count(), app.tables.quarantine().count()
        app.summary.counts = Counts(listed=features + bad, reused=features, quarantined=bad)
        app.summary.fingerprint = app.tables.fingerprint() or {}
        return _report(app, config, None, _run_of_the_images(app))


def _run_of_the_images(app: Application) -> Summary | None:
    """The last complete run that listed images, if the tables hold what it counted.

    The page tells of that run's input, speed and cost; those of making a page say nothing.
    """
    runs = waiting_out(lambda: complete_runs(app.spark, app.layout), app.layout.runs)
    # `report` counts rows too, of no input.
    listed = [run for run in runs if run.input_path and run.counts.listed]
    if not listed:
        return None
    counts, now = listed[-1].counts, app.summary.counts
    held = (counts.featurized + counts.reused, counts.quarantined)
    return listed[-1] if held == (now.reused, now.quarantined) else None


def run_compact(app: Application, config: CompactConfig) -> None:
    """Large files in the place of small ones, in both tables."""
    _require_features(app)
    with _recorded(app):
        app.tables.restore_quarantine()
        _compact(app, config.retention_hours)


@contextmanager
def _recorded(app: Application) -> Iterator[None]:
    """Claim the output and keep the summary, whatever the end; what is staged goes with success."""
    with _claimed(app) as held:
        try:
            yield
            app.stages.may_begin()
        except BaseException as error:
            app.summary.status = _status(error)
            # What ended the run may be the storage itself: it is asked once, not waited for.
            with suppress(*STORAGE_EXCEPTIONS):
                # Who has lost the claim fails in many ways, as the other deletes what was staged;
                # and the summary of this id may be the other's by now.
                held.check()
                _write_summary(app)
            raise
        app.summary.status = "complete"
        waiting_out(lambda: _write_summary(app), app.layout.root)
        # Runs that died have left theirs; no other lives.
        staging = app.layout.all_staging
        waiting_out(lambda: filesystem.delete(app.spark, staging), staging)


@contextmanager
def _claimed(app: Application) -> Iterator[Claim]:
    """The claim on the output, which every stage and every commit asks for. OutputBusyError."""
    output = app.layout.root
    with writing_to(output):
        store = claim_store(app.spark, app.layout.claim)
        held = claim(store, app.summary.run_id, output, app.claim_seconds)
    app.claim = held
    app.stages.may_begin = lambda: waiting_out(held.check, output)
    try:
        yield held
    finally:
        held.release()


def _status(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return f"failed: {str(error) or type(error).__name__}"


def _write_summary(app: Application) -> None:
    app.summary.finished = _now()
    _measure(app)
    app.summary.write(app.spark, app.layout.summary(app.summary.run_id))


def _measure(app: Application) -> None:
    app.summary.seconds = {
        stage: round(seconds, 3) for stage, seconds in app.stages.seconds.items()
    }
    featurize_seconds = app.stages.seconds.get("featurize")
    used = live_usage(app.spark, app.summary.counts.featurized)
    app.summary.usage = in_numbers(used)
    if app.prices is not None:
        app.summary.cost = costs(bill(used, app.prices))
    if featurize_seconds and app.summary.counts.featurized:
        app.summary.images_per_second = round(app.summary.counts.featurized / featurize_seconds, 1)


def _featurize(
    app: Application,
    config: FeaturizeConfig,
    *,
    components: int | None = None,
    accepts: Callable[[Mapping[str, Any]], None] = lambda fingerprint: None,
) -> tuple[Featurizing, Account]:
    """Featurize what is new; `accepts` raises for features that what follows cannot take."""
    with app.stages.stage("check", unit="checks"):
        this = prepare(app.spark, config, app.tables, app.stages)
        accepts(this.fingerprint)
    app.summary.input_path = config.images.input_path
    app.summary.fingerprint = this.fingerprint
    app.summary.reader = "s3a" if this.worker.store is None else "concurrent"

    def check_listed(listed: int) -> None:
        if components is not None and components >= listed:
            raise InvalidValueError(
                f"--components is {components}, but only {listed:,} objects are listed",
                expected="fewer components than images",
                fix=f"set --components to at most {listed - 1}, or use --variance",
            )

    found = featurize(this, check_listed)
    app.summary.counts = found.counts
    app.summary.quarantine_reasons = found.reasons
    rows = found.counts.featurized + found.counts.reused
    if waiting_out(lambda: surplus_files(app.tables, rows), app.layout.root) > config.compact_above:
        _compact(app, RETENTION_HOURS)
    return this, found


def _compact(app: Application, retention_hours: int) -> None:
    with app.stages.stage("compact", unit="tables"):
        before, after = waiting_out(lambda: compact(app.tables, retention_hours), app.layout.root)
    app.stages.display.end(f"compact: {before:,} files of features, now {after:,}")


def _require_few_bad(app: Application, config: FeaturizeConfig, found: Account) -> None:
    require_few_bad(found, config.max_bad_fraction, app.layout.quarantine)


def _fit(app: Application, config: FitConfig) -> Bundle:
    with app.stages.stage("fit", unit="rows"):
        kept = waiting_out(lambda: kept_bundle(app.tables, config), app.layout.bundle)
        bundle = kept or new_bundle(app.tables, config, app.summary)
    if kept:
        rows = f"{kept.manifest.rows:,} rows"
        app.stages.display.end(
            f"fit: kept that of {kept.manifest.run_id}, on {rows} (--refit fits again)"
        )
    _tell_fit(app, bundle)
    return bundle


def _tell_fit(app: Application, bundle: Bundle) -> None:
    app.summary.fitted_by = bundle.manifest.run_id
    app.summary.components = bundle.manifest.k
    app.summary.explained_variance = bundle.manifest.variance_explained


def _project(app: Application, bundle: Bundle) -> int:
    """Write the projection of all features, and look for drift; returns its number of rows."""
    features, watched = app.tables.features(), watch(app.tables, bundle)
    with app.stages.stage("project", unit="rows"):
        rows = waiting_out(features.count, app.layout.features)
        measured = waiting_out(
            lambda: write_watched(app.tables, features, rows, watched), app.layout.projection
        )
    app.summary.committer = committer_of(app.spark, app.layout.projection)
    images = rows if watched.run_id is None else app.summary.counts.featurized
    app.summary.drift = waiting_out(
        lambda: kept_drift(app.tables, watched, measured, images), app.layout.root
    )
    for finding in app.summary.drift.get("findings", ()):
        app.stages.display.end(f"drift: {finding}")
    return rows


def _export_csv(app: Application, config: ExportConfig, rows: int, k: int) -> None:
    destination = config.destination or app.layout.csv
    if rows > config.csv_max_rows:
        app.stages.display.end(
            f"no CSV: {rows:,} rows are more than --csv-max-rows {config.csv_max_rows:,}"
        )
        return
    projection = _read_projection(app)
    with app.stages.stage("export", unit="rows", total=rows):
        waiting_out(
            lambda: exports.write_csv(app.spark, projection, k, destination, f"{app.staging}/csv"),
            destination,
        )


def _export_arrays(
    app: Application, config: ExportConfig, images: DataFrame, rows: int, columns: int
) -> None:
    destination = config.destination or app.layout.arrays
    written = Written()
    with app.stages.stage("export", unit="rows", total=rows, done=lambda: written.rows):
        waiting_out(
            lambda: write_arrays(images, config.exported, (rows, columns), destination, written),
            destination,
        )


def _export_parquet(app: Application, config: ExportConfig, images: DataFrame, rows: int) -> None:
    if config.destination is None:
        raise InvalidValueError(
            "--format parquet has no --destination",
            expected="a folder",
            fix=f"name one, or read {app.layout.projection}, which is Parquet",
        )
    destination = config.destination
    with app.stages.stage("export", unit="rows"):
        waiting_out(lambda: exports.write_parquet(images, rows, destination), destination)


def _report(
    app: Application,
    config: ReportConfig,
    new_thumbnails: DataFrame | None,
    of: Summary | None = None,
) -> Path | None:
    """The page of the run `of`, by default of the one that makes it."""
    # Plots take a second to import, for which no image is to wait.
    from job.report.collect import collect_report_data
    from job.report.report import render_report

    with app.stages.stage("report", unit="pages"):
        summary = app.described() if of is None else dataclasses.asdict(of)
        data = waiting_out(
            lambda: collect_report_data(app.tables, summary, new_thumbnails),
            app.layout.report,
        )
        html = render_report(data)
        filesystem.write_bytes(app.spark, app.layout.report_data, data.to_json().encode())
        filesystem.write_bytes(app.spark, app.layout.report, html.encode())
        if config.local_copy is None:
            return None
        copy = Path(config.local_copy)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(html, encoding="utf-8")
        return copy


def _require_features(app: Application) -> None:
    require_features(app.spark, app.layout)


def _require_projection(app: Application) -> None:
    require_projection(app.spark, app.layout)


def _read_projection(app: Application) -> DataFrame:
    return app.spark.read.schema(schemas.PROJECTION_SCHEMA).parquet(app.layout.projection)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
