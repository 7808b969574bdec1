"""Which scaler + PCA a run projects with: the one that is there, or a new one."""

from __future__ import annotations

import sys

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from job.config import FitConfig
from job.errors import DamagedTableError, IncompatibleBundleError
from job.output.summary import Summary
from job.output.tables import Tables
from job.pipeline.drift import new_reference, with_thresholds
from job.reduction.bundle import Bundle, Manifest, load_bundle, load_moments, save_bundle
from job.reduction.moments import Moments, compute_moments, update_moments
from job.reduction.pca import fit
from job.runtime import filesystem
from job.runtime.retries import retried
from job.runtime.spark_errors import as_job_error


@retried
def kept_bundle(tables: Tables, config: FitConfig) -> Bundle | None:
    """The fit of an earlier run, if it is of these features and was asked for in the same way."""
    if config.refit:
        return None
    bundle = _earlier(tables)
    if bundle is None or bundle.manifest.fingerprint != tables.fingerprint():
        return None
    asked = (config.variance if config.components is None else None, config.components)
    if (bundle.manifest.variance, bundle.manifest.components) != asked:
        return None
    return with_thresholds(tables, bundle, config.drift)


def new_bundle(tables: Tables, config: FitConfig, summary: Summary) -> Bundle:
    """Fit all features under the output and save the bundle there; InvalidValueError."""
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
        drift=new_reference(fitted, _earlier(tables), config.drift),
    )
    return save_bundle(tables.spark, fitted, moments, manifest, path)


@retried
def _moments(tables: Tables) -> Moments:
    """Those of the last fit, mended by the rows that came or went since; else those of all rows."""
    bundle = _earlier(tables)
    if bundle is None or bundle.manifest.features_version is None:
        return compute_moments(tables.features())
    if bundle.manifest.fingerprint != tables.fingerprint():
        return compute_moments(tables.features())
    try:
        before = load_moments(tables.spark, bundle)
        changes = tables.changes(bundle.manifest.features_version)
        return before if changes is None else update_moments(before, changes)
    except (IncompatibleBundleError, PySparkException, Py4JJavaError) as error:
        _raise_if_of_storage(error, tables)
        _say(f"what has changed since the fit of {bundle.manifest.run_id} is not kept: all is read")
        return compute_moments(tables.features())


def _earlier(tables: Tables) -> Bundle | None:
    path = tables.layout.bundle
    if not filesystem.exists(tables.spark, f"{path}/manifest.json"):
        return None
    try:
        return load_bundle(tables.spark, path)
    except IncompatibleBundleError as error:
        _say(f"the earlier fit is left aside: {error}")
        return None


def _raise_if_of_storage(error: Exception, tables: Tables) -> None:
    """Storage that fails for now is waited out by who asked; what was deleted is another matter."""
    failure = as_job_error(error, tables.layout.features)
    if failure is not None and not isinstance(failure, DamagedTableError):
        raise error


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
