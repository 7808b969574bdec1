"""Everything that can be wrong is looked for here, before any image is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from job.config import FeaturizeConfig, ImagesConfig, NetworkConfig
from job.errors import AccessDeniedError, InputNotFoundError, UnmappableSettingError
from job.features.backbones import Backbone, backbone
from job.features.fingerprint import Fingerprint, require_same
from job.features.network import NetworkSpec, images_a_pass
from job.features.precision import require_precision
from job.features.weights import WeightsFile, resolve_weights
from job.features.worker import WorkerSpec
from job.images.decode import DECODE_RULES_VERSION, DecodeRules
from job.images.fetch import FetchLimits
from job.images.listing import check_input
from job.images.s3a_config import StoreSettings, hadoop_settings, store_settings
from job.output.layout import Layout
from job.output.tables import Tables
from job.pipeline.featurize import Featurizing
from job.runtime import filesystem
from job.runtime.progress import Stages
from job.runtime.spark_errors import as_job_error


def prepare(
    spark: SparkSession, config: FeaturizeConfig, tables: Tables, stages: Stages
) -> Featurizing:
    """Check network, weights, input, output and fingerprint; what workers need comes out.

    Raises InvalidValueError, WeightsError, InputNotFoundError, AccessDeniedError,
    FingerprintMismatchError, each with its one line.
    """
    fingerprint, worker = worker_of(spark, config.images, config.network)
    lister = _store(spark, config.images, stages)
    check_input(spark, config.images, lister)
    check_output(spark, config.output_path, config.run_id)
    exists = tables.exist()
    theirs = tables.fingerprint() if exists else None
    if theirs is not None and not config.refeaturize:
        require_same(fingerprint, Fingerprint.from_dict(theirs), config.output_path)
    worker = replace(worker, store=None if config.images.reader == "s3a" else lister)
    return Featurizing(spark, config, tables, exists, fingerprint.to_dict(), worker, lister, stages)


def worker_of(
    spark: SparkSession, images: ImagesConfig, config: NetworkConfig
) -> tuple[Fingerprint, WorkerSpec]:
    """What makes the features and its fingerprint; the rows bring their bytes.

    Raises InvalidValueError for an unknown backbone or a precision that this machine lacks,
    WeightsError.
    """
    network = backbone(config.backbone)
    if (spark.sparkContext.master or "").startswith("local"):
        # Elsewhere the CPUs that count are those of the executors, which look themselves.
        require_precision(config.precision)
    weights = resolve_weights(network, config.weights)
    worker = WorkerSpec(
        network=_network_spec(spark, network, weights, config),
        rules=_rules(network, images),
        limits=FetchLimits(max_image_bytes=images.max_image_bytes),
        store=None,
    )
    return _fingerprint(network, weights, images, config.precision), worker


def require_features(spark: SparkSession, layout: Layout) -> None:
    """Raise InputNotFoundError where the output has no features table."""
    _require(
        spark,
        layout,
        f"{layout.features}/_delta_log",
        expected="the features of an earlier run",
        fix="run `image-features featurize` with this --output first",
    )


def require_projection(spark: SparkSession, layout: Layout) -> None:
    """Raise InputNotFoundError where the output has no projection."""
    _require(
        spark,
        layout,
        f"{layout.projection}/_SUCCESS",
        expected="the projection of an earlier run",
        fix="run `image-features fit` or `project` with this --output first",
    )


def _require(spark: SparkSession, layout: Layout, proof: str, *, expected: str, fix: str) -> None:
    """Looked for before the output is claimed: a claim is an object, where there may be nothing."""
    with writing_to(layout.root):
        found = filesystem.exists(spark, proof)
    if not found:
        folder = proof.rpartition("/")[0]
        raise InputNotFoundError(f"{folder} does not exist", expected=expected, fix=fix)


def check_output(spark: SparkSession, output_path: str, run_id: str) -> None:
    """Write and delete a small object under the output path.

    Raises AccessDeniedError, InputNotFoundError (no bucket) or TransportError.
    """
    probe(spark, output_path, f"{Layout(output_path).staging(run_id)}/probe")


def probe(spark: SparkSession, folder: str, path: str) -> None:
    """Write and delete the small object `path`, which is somewhere in `folder`.

    Raises what `check_output` raises, in the name of `folder`.
    """
    with writing_to(folder):
        filesystem.write_bytes(spark, path, b"image-features")
        filesystem.delete(spark, path)


@contextmanager
def writing_to(output_path: str) -> Iterator[None]:
    """The first writes under an output: what fails is told as the output's."""
    try:
        yield
    except (Py4JError, OSError) as error:
        raise as_job_error(error, output_path) or AccessDeniedError(
            f"{output_path} cannot be written: {str(error).splitlines()[0][:200]}",
            expected="a path that may be written",
            fix="check --output and the rights on it",
        ) from error


def _store(spark: SparkSession, images: ImagesConfig, stages: Stages) -> StoreSettings | None:
    """How workers reach the objects themselves; None where only s3a may."""
    try:
        return store_settings(hadoop_settings(spark), os.environ)
    except UnmappableSettingError as error:
        if images.reader == "concurrent":
            raise
        stages.display.end(f"reader s3a: {error}")
        return None


def _fingerprint(
    network: Backbone, weights: WeightsFile, images: ImagesConfig, precision: str
) -> Fingerprint:
    return Fingerprint(
        backbone=network.name,
        tensors_sha256=weights.tensors_sha256,
        input_size=network.input_size,
        resampling="bicubic",
        decode_rules=DECODE_RULES_VERSION,
        exif_rotate=images.exif_rotate,
        numeric_class=precision,
    )


def _rules(network: Backbone, images: ImagesConfig) -> DecodeRules:
    height, width = network.input_size
    return DecodeRules(
        height, width, exif_rotate=images.exif_rotate, max_pixels=images.max_image_pixels
    )


def _network_spec(
    spark: SparkSession, network: Backbone, weights: WeightsFile, config: NetworkConfig
) -> NetworkSpec:
    cpus = int(spark.sparkContext.getConf().get("spark.task.cpus", "1") or 1)
    return NetworkSpec(
        backbone=network.name,
        weights=str(weights.path),
        tensors_sha256=weights.tensors_sha256,
        threads=cpus,
        batch_size=config.batch_size or images_a_pass(cpus),
        precision=config.precision,
    )
