"""Provides the scaler + PCA bundle of a run: the saved one, or a new fit."""

from __future__ import annotations

import sys

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from job.config import FitConfig
from job.errors import DamagedTableError, IncompatibleBundleError
from job.output.summary import Summary
from job.output.tables import Tables
from job.pipeline.drift import new_reference, update_thresholds
from job.reduction.bundle import (
    Bundle,
    Manifest,
    load_bundle,
    load_moments,
    restore_model,
    save_bundle,
)
from job.reduction.moments import Moments, compute_moments, update_moments
from job.reduction.pca import fit
from job.runtime import filesystem
from job.runtime.retries import retried
from job.runtime.spark_errors import as_job_error


@retried
def saved_bundle(tables: Tables, config: FitConfig) -> Bundle | None:
    """The bundle of an earlier run, if its fingerprint and its settings are the same."""
    if config.refit:
        return None
    bundle = _earlier_bundle(tables)
    if bundle is None or bundle.manifest.fingerprint != tables.fingerprint():
        return None
    settings = (config.variance if config.components is None else None, config.components)
    if (bundle.manifest.variance, bundle.manifest.components) != settings:
        return None
    if restore_model(tables.spark, bundle):
        _say(f"the model of the fit of {bundle.manifest.run_id} was incomplete: written again")
    return update_thresholds(tables, bundle, config.drift)


def new_bundle(tables: Tables, config: FitConfig, summary: Summary) -> Bundle:
    """Fit all features under the output, and save the bundle. Raises InvalidValueError."""
    version, path = tables.version(), tables.layout.bundle
    moments = _moments(tables)
    fitted = fit(moments, variance=config.variance, components=config.components)
    manifest = Manifest.of(
        fitted,
        run_id=summary.run_id,
        fingerprint=tables.fingerprint() or {},
        versions=summary.versions,
        variance=config.variance,
        components=config.components,
        features_version=version,
        drift=new_reference(fitted, _earlier_bundle(tables), config.drift),
    )
    return save_bundle(tables.spark, fitted, moments, manifest, path, tables.table_id())


@retried
def _moments(tables: Tables) -> Moments:
    """The moments of all rows: those of the last fit updated with changed rows, if possible."""
    bundle = _earlier_bundle(tables)
    if bundle is None or bundle.manifest.features_version is None:
        return compute_moments(tables.features())
    if bundle.manifest.fingerprint != tables.fingerprint():
        return compute_moments(tables.features())
    try:
        moments = load_moments(tables.spark, bundle, tables.table_id())
        changes = tables.changes(bundle.manifest.features_version)
        updated = moments if changes is None else update_moments(moments, changes)
        if updated.count == tables.features().count():
            return updated
        _say(f"the fit of {bundle.manifest.run_id} has other rows than the table: all are read")
    except IncompatibleBundleError as error:
        _say(f"{error.what}: all rows are read")
    except (PySparkException, Py4JJavaError) as error:
        _raise_storage_error(error, tables)
        _say(f"the changes since the fit of {bundle.manifest.run_id} are gone: all rows are read")
    return compute_moments(tables.features())


def _earlier_bundle(tables: Tables) -> Bundle | None:
    path = tables.layout.bundle
    if not filesystem.exists(tables.spark, f"{path}/manifest.json"):
        return None
    try:
        return load_bundle(tables.spark, path)
    except IncompatibleBundleError as error:
        _say(f"the earlier fit is ignored: {error}")
        return None


def _raise_storage_error(error: Exception, tables: Tables) -> None:
    """Raise `error` if a retry may help: if the storage caused it and no files were deleted."""
    failure = as_job_error(error, tables.layout.features)
    if failure is not None and not isinstance(failure, DamagedTableError):
        raise error


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
