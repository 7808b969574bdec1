"""The network: its weights, and a forward pass in a Python worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa

from job.errors import WeightsError
from job.features.backbones import backbone
from job.features.models import Model, resolve_model
from job.features.network import NetworkSpec, network
from job.features.worker_spec import local_weights, network_spec
from job.pipeline.in_cluster.context import InClusterContext, translate_spark_errors

Batches = Iterator[pa.RecordBatch]
_SCHEMA = pa.schema({"features": pa.list_(pa.float32())})


def weights(context: InClusterContext) -> str:
    """The model is complete: its sha256 matches the recorded one, or --weights can be converted."""
    model = _resolve(context)
    return f"{context.network.weights or 'shipped'}, sha256 {model.sha256}"


def _resolve(context: InClusterContext) -> Model:
    config = context.network
    return resolve_model(backbone(config.backbone), local_weights(context.spark, config.weights))


def forward_pass(context: InClusterContext) -> str:
    """A Python worker of Spark loads the network and featurizes one grey image."""
    architecture = backbone(context.network.backbone)
    spec = network_spec(context.spark, _resolve(context), batch_size=1)
    with translate_spark_errors(
        "the forward pass", "see the lines above; the worker may be out of memory"
    ):
        rows = context.spark.range(1).mapInArrow(
            _featurize(spec, architecture.input_size), "features array<float>"
        )
        (row,) = rows.collect()
    features = np.asarray(row.features)
    if len(features) != architecture.dimension or not np.isfinite(features).all():
        raise WeightsError(
            f"{architecture.name} gives {len(features)} features, not all of them finite",
            expected=f"{architecture.dimension} finite numbers",
            fix="check --weights, or leave it out to use the shipped file",
        )
    return f"{len(features):,} features"


def _featurize(
    spec: NetworkSpec, input_size: tuple[int, int]
) -> Callable[[Iterable[pa.RecordBatch]], Batches]:
    def featurize(_: Iterable[pa.RecordBatch]) -> Batches:
        grey = np.full((1, *input_size, 3), 128, np.uint8)
        features = network(spec).features(grey)[0]
        yield pa.RecordBatch.from_pydict({"features": [features.tolist()]}, schema=_SCHEMA)

    return featurize
