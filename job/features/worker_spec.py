"""Turns the options of a run into a WorkerSpec and the fingerprint of the features."""

from __future__ import annotations

from pathlib import Path

from pyspark import SparkFiles
from pyspark.sql import SparkSession

from job.config import ImagesConfig, NetworkConfig
from job.errors import WeightsError
from job.features.backbones import Backbone, backbone
from job.features.fingerprint import Fingerprint
from job.features.models import Model, resolve_model
from job.features.network import NetworkSpec, default_batch_size
from job.features.worker import WorkerSpec
from job.images.decode import DECODE_RULES_VERSION, DecodeRules
from job.images.fetch import FetchLimits
from job.paths import LOCAL_SCHEME, canonical_path, split_path
from job.runtime import filesystem


def resolve_worker(
    spark: SparkSession, images: ImagesConfig, config: NetworkConfig
) -> tuple[Fingerprint, WorkerSpec]:
    """The fingerprint of the features and the WorkerSpec, with `store` None.

    Raises InvalidValueError for an unknown backbone, and WeightsError.
    """
    network = backbone(config.backbone)
    model = resolve_model(network, local_weights(spark, config.weights))
    worker = WorkerSpec(
        network=network_spec(spark, model, config.batch_size),
        rules=_rules(network, images),
        limits=FetchLimits(max_image_bytes=images.max_image_bytes),
        store=None,
    )
    return _fingerprint(network, model, images), worker


def local_weights(spark: SparkSession, weights: str | None) -> str | None:
    """The path of a weights file on this machine; a file on storage is copied.

    Raises WeightsError if storage has no such file.
    """
    if weights is None:
        return None
    path = canonical_path(weights)
    scheme, _, key = split_path(path)
    if scheme == LOCAL_SCHEME:
        return key
    try:
        content = filesystem.read_bytes(spark, path)
    except FileNotFoundError as error:
        raise WeightsError(
            f"weights file {weights} does not exist",
            expected="a Keras weights file",
            fix="check --weights, or leave it out to use the shipped file",
        ) from error
    return str(_write(Path(key).name, content))


def network_spec(spark: SparkSession, model: Model, batch_size: int | None) -> NetworkSpec:
    """The NetworkSpec of `model`, which Spark copies to each executor that runs a task."""
    # Spark ignores a second file of the same name, so the name is the hash.
    name = f"{model.sha256}.onnx"
    spark.sparkContext.addFile(_write(name, model.content).as_uri())
    cpus = int(spark.sparkContext.getConf().get("spark.task.cpus", "1") or 1)
    return NetworkSpec(name, model.sha256, cpus, batch_size or default_batch_size(cpus))


def _write(name: str, content: bytes) -> Path:
    """Write a file to a folder that Spark deletes at the end."""
    folder = Path(SparkFiles.getRootDirectory()) / "image-features"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def _fingerprint(network: Backbone, model: Model, images: ImagesConfig) -> Fingerprint:
    return Fingerprint(
        backbone=network.name,
        tensors_sha256=model.tensors_sha256,
        input_size=network.input_size,
        resampling="bicubic",
        decode_rules=DECODE_RULES_VERSION,
        exif_rotate=images.exif_rotate,
    )


def _rules(network: Backbone, images: ImagesConfig) -> DecodeRules:
    height, width = network.input_size
    return DecodeRules(
        height, width, exif_rotate=images.exif_rotate, max_pixels=images.max_image_pixels
    )
