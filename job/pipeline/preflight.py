"""The checks of a run, before any image is read."""

from __future__ import annotations

import os
from dataclasses import replace

from pyspark.sql import SparkSession

from job.config import FeaturizeConfig, ImagesConfig
from job.errors import UnmappableSettingError
from job.features.fingerprint import Fingerprint, require_same
from job.features.worker_spec import resolve_worker
from job.images.listing import check_input
from job.images.s3a_config import StoreSettings, hadoop_settings, store_settings
from job.output.access import check_output
from job.pipeline.featurize_run import FeaturizeRun
from job.pipeline.run import Run
from job.runtime.progress import Steps


def prepare(run: Run, config: FeaturizeConfig) -> FeaturizeRun:
    """Check network, weights, input, output and fingerprint; returns what the workers need.

    Raises InvalidValueError, WeightsError, InputNotFoundError, AccessDeniedError,
    DamagedTableError, FingerprintMismatchError.
    """
    spark, tables = run.spark, run.tables
    fingerprint, worker = resolve_worker(spark, config.images, config.network)
    lister = _worker_store(spark, config.images, run.steps)
    check_input(spark, config.images, lister)
    check_output(spark, config.output_path, tables.staging)
    exists = tables.exist()
    existing = tables.fingerprint() if exists else None
    if existing is not None and not config.refeaturize:
        require_same(fingerprint, Fingerprint.from_dict(existing), config.output_path)
    worker = replace(worker, store=None if config.images.reader == "s3a" else lister)
    return FeaturizeRun(
        spark, config, tables, exists, fingerprint.to_dict(), worker, lister, run.steps
    )


def _worker_store(spark: SparkSession, images: ImagesConfig, steps: Steps) -> StoreSettings | None:
    """How workers access the object store; None if only s3a can."""
    try:
        return store_settings(hadoop_settings(spark), os.environ)
    except UnmappableSettingError as error:
        if images.reader == "concurrent":
            raise
        steps.display.print_line(f"reader s3a: {error}")
        return None
