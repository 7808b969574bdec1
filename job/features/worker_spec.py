"""From the options of a run to what its workers need, and the fingerprint of what they make."""

from __future__ import annotations

from pyspark.sql import SparkSession

from job.config import ImagesConfig, NetworkConfig
from job.features.backbones import Backbone, backbone
from job.features.fingerprint import Fingerprint
from job.features.network import NetworkSpec, images_a_pass
from job.features.precision import require_precision
from job.features.weights import WeightsFile, resolve_weights
from job.features.worker import WorkerSpec
from job.images.decode import DECODE_RULES_VERSION, DecodeRules
from job.images.fetch import FetchLimits


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
