"""The shipped network, outside of Spark."""

from __future__ import annotations

from job.features.backbones import backbone
from job.features.models import resolve_model
from job.features.network import NetworkSpec
from job.resources import weights_folder

NAME = "mobilenet_v2"


def shipped_spec(threads: int = 1, batch_size: int = 8) -> NetworkSpec:
    """The NetworkSpec of the shipped MobileNetV2, with the path of its file."""
    sha256 = resolve_model(backbone(NAME)).sha256
    return NetworkSpec(str(weights_folder() / f"{NAME}.onnx"), sha256, threads, batch_size)
