"""Turns the options of a run into a WorkerSpec and the fingerprint of the features."""

from __future__ import annotations

from pyspark.sql import SparkSession

from job.config import ImagesConfig, NetworkConfig
from job.features.backbones import Backbone, backbone
from job.features.fingerprint import Fingerprint
from job.features.network import NetworkSpec, default_batch_size
from job.features.precision import require_precision
from job.features.weights import WeightsFile, resolve_weights
from job.features.worker import WorkerSpec
from job.images.decode import DECODE_RULES_VERSION, DecodeRules
from job.images.fetch import FetchLimits


def resolve_worker(
    spark: SparkSession, images: ImagesConfig, config: NetworkConfig
) -> tuple[Fingerprint, WorkerSpec]:
    """The fingerprint of the features and the WorkerSpec, with `store` None.

    Raises InvalidValueError for an unknown backbone or a precision that this machine does not
    support, and WeightsError.
    """
    network = backbone(config.backbone)
    if (spark.sparkContext.master or "").startswith("local"):
        # On a cluster, each executor checks its own CPU.
        require_precision(config.precision)
    weights = resolve_weights(network, config.weights)
    worker = WorkerSpec(
        network=_network_spec(spark, network, weights, config),
        rules=_rules(network, images),
        limits=FetchLimits(max_image_bytes=images.max_image_bytes),
        store=None,
    )
    return _fingerprint(network, weights, images, config.precision), worker


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
        batch_size=config.batch_size or default_batch_size(cpus),
        precision=config.precision,
    )
