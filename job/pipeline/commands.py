"""The order of the steps: one function per command, from its config to its result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from job import schemas
from job.analysis.classification.classify import ClassifyRun, classify
from job.analysis.classification.predict import load_classifier, predict
from job.analysis.classification.result import ClassifierResult, PredictionSummary
from job.analysis.clustering.cluster import cluster
from job.config import (
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
from job.layout import Layout
from job.output.access import require_features, require_own_output, require_projection
from job.output.destinations import require_free
from job.output.summary import Counts, Summary, complete_runs, latest_input
from job.pipeline.drift import reference_of, require_no_drift
from job.pipeline.featurize import thumbnails
from job.pipeline.recording import ExistingFeatures
from job.pipeline.run import Run, RunOptions
from job.pipeline.steps import (
    compact_tables,
    export_arrays,
    export_csv,
    export_parquet,
    featurize_images,
    fit_features,
    prepare_images,
    project_features,
    require_few_bad_images,
    write_report,
)
from job.reduction.bundle import load_bundle, require_fingerprint


def run_all(spark: SparkSession, config: RunConfig, options: RunOptions) -> Path | None:
    """Featurize, fit, project, export and report; returns the report's local copy."""
    output_path = config.featurize.output_path
    require_own_output(spark, Layout(output_path))
    with Run.open(spark, "run", config, output_path, options) as run:
        prepared = prepare_images(run, config.featurize)
        reconciliation = featurize_images(run, prepared, config.fit.components)
        bundle = fit_features(run, config.fit)
        projection = project_features(run, bundle)
        export_csv(run, config.export, projection.rows, bundle.fit.k)
        copy = write_report(run, config.report, thumbnails(prepared))
        require_few_bad_images(run, config.featurize, reconciliation)
        if config.fail_on_drift:
            require_no_drift(projection.drift, bundle.path)
        return copy


def run_featurize(spark: SparkSession, config: FeaturizeConfig, options: RunOptions) -> None:
    """Featurize the images under the input into the tables."""
    require_own_output(spark, Layout(config.output_path))
    with Run.open(spark, "featurize", config, config.output_path, options) as run:
        reconciliation = featurize_images(run, prepare_images(run, config))
        require_few_bad_images(run, config, reconciliation)


def run_fit(spark: SparkSession, config: FitConfig, options: RunOptions) -> None:
    """Fit scaler and PCA to all features under the output path, and project them."""
    require_features(spark, Layout(config.output_path))
    with Run.open(spark, "fit", config, config.output_path, options) as run:
        project_features(run, fit_features(run, config))


def run_project(spark: SparkSession, config: ProjectConfig, options: RunOptions) -> None:
    """Project the features under the output path, and new images, with a saved bundle."""
    bundle = load_bundle(spark, config.bundle_path)
    # A damaged reference fails here, before any image is featurized.
    reference_of(bundle)
    require = require_own_output if config.featurize else require_features
    require(spark, Layout(config.output_path))
    with Run.open(spark, "project", config, config.output_path, options) as run:
        reconciliation = None
        if config.featurize:
            prepared = prepare_images(run, config.featurize)
            require_fingerprint(bundle, prepared.fingerprint)
            reconciliation = featurize_images(run, prepared)
        require_fingerprint(bundle, run.tables.fingerprint() or {})
        projection = project_features(run, run.record(bundle))
        export_csv(run, ExportConfig(config.output_path), projection.rows, bundle.fit.k)
        if config.featurize and reconciliation:
            require_few_bad_images(run, config.featurize, reconciliation)
        if config.fail_on_drift:
            require_no_drift(projection.drift, bundle.path)


def run_export(spark: SparkSession, config: ExportConfig, options: RunOptions) -> None:
    """Write the projection as CSV, Parquet or an array, or the features as an array."""
    features = config.exported == schemas.FEATURES
    require = require_features if features else require_projection
    layout = Layout(config.output_path)
    require(spark, layout)
    if config.destination is not None:
        require_free(spark, config, latest_input(spark, layout))
    with Run.open(spark, "export", config, config.output_path, options) as run:
        images = run.tables.features() if features else run.projection()
        first = images.first()
        columns = 0 if first is None else len(first[config.exported])
        rows = images.count()
        if config.file_format == "csv":
            export_csv(run, config, rows, columns)
        elif config.file_format == "npy":
            export_arrays(run, config, images, rows, columns)
        else:
            export_parquet(run, config, images, rows)


def run_cluster(spark: SparkSession, config: ClusterConfig, options: RunOptions) -> None:
    """Cluster the projection with k-means, and compare the clusters with the labels."""
    require_projection(spark, Layout(config.output_path))
    with Run.open(spark, "cluster", config, config.output_path, options) as run:
        run.record(ExistingFeatures(run.tables.fingerprint() or {}))
        with run.steps.step("cluster", unit="images"):
            result = cluster(run.projection(), config, run.layout.clusters, run.summary)
        run.steps.display.print_line(result.summary_line())


def run_classify(
    spark: SparkSession, config: ClassifyConfig, options: RunOptions
) -> list[ClassifierResult]:
    """Train, score and save classifiers of the features under the output path."""
    layout = Layout(config.output_path)
    require_features(spark, layout)
    bundle = load_bundle(spark, layout.bundle) if schemas.PCA in config.inputs else None
    with Run.open(spark, "classify", config, config.output_path, options) as run:
        fingerprint = run.tables.fingerprint() or {}
        if bundle is not None:
            require_fingerprint(bundle, fingerprint)
        run.record(ExistingFeatures(fingerprint))
        return classify(
            ClassifyRun(
                spark,
                config,
                run.tables.features(),
                fingerprint,
                run.summary.versions,
                bundle,
                layout,
                run.staging,
                run.steps,
            )
        )


def run_predict(
    spark: SparkSession, config: PredictConfig, options: RunOptions
) -> PredictionSummary:
    """Predict the labels of the features here, and of new images, with a saved classifier."""
    saved = load_classifier(spark, config.model_path)
    require = require_own_output if config.featurize else require_features
    require(spark, Layout(config.output_path))
    with Run.open(spark, "predict", config, config.output_path, options) as run:
        reconciliation = None
        if config.featurize:
            prepared = prepare_images(run, config.featurize)
            saved.require_fingerprint(prepared.fingerprint)
            reconciliation = featurize_images(run, prepared)
        saved.require_fingerprint(run.tables.fingerprint() or {})
        with run.steps.step("predict"):
            features = run.tables.features()
            predictions = predict(saved, features, run.layout, run.staging, config.low_confidence)
        if config.featurize and reconciliation:
            require_few_bad_images(run, config.featurize, reconciliation)
        return predictions


def run_report(spark: SparkSession, config: ReportConfig, options: RunOptions) -> Path | None:
    """Write report/index.html about the results under the output path."""
    layout = Layout(config.output_path)
    require_projection(spark, layout)
    require_features(spark, layout)
    with Run.open(spark, "report", config, config.output_path, options) as run:
        run.tables.restore_quarantine()
        features, bad = run.tables.feature_count(), run.tables.quarantine().count()
        counts = Counts(listed=features + bad, reused=features, quarantined=bad)
        run.record(ExistingFeatures(run.tables.fingerprint() or {}, counts))
        return write_report(run, config, None, _last_image_run(run))


def _last_image_run(run: Run) -> Summary | None:
    """The last complete run that listed images, if its counts agree with the tables.

    The report shows the input, speed and cost of that run, not those of the report itself.
    """
    # `report` counts rows too, without an input.
    runs = [
        summary
        for summary in complete_runs(run.spark, run.layout)
        if summary.input_path and summary.counts.listed
    ]
    if not runs:
        return None
    counts, table_counts = runs[-1].counts, run.summary.counts
    rows = (counts.featurized + counts.reused, counts.quarantined)
    return runs[-1] if rows == (table_counts.reused, table_counts.quarantined) else None


def run_compact(spark: SparkSession, config: CompactConfig, options: RunOptions) -> None:
    """Replace the small files of both tables with large ones."""
    require_features(spark, Layout(config.output_path))
    with Run.open(spark, "compact", config, config.output_path, options) as run:
        run.tables.restore_quarantine()
        compact_tables(run, config.retention_hours)


# The functions by the name of their command.
COMMANDS: dict[str, Callable[[SparkSession, Any, RunOptions], Any]] = {
    "run": run_all,
    "featurize": run_featurize,
    "fit": run_fit,
    "project": run_project,
    "export": run_export,
    "report": run_report,
    "compact": run_compact,
    "cluster": run_cluster,
    "classify": run_classify,
    "predict": run_predict,
}
