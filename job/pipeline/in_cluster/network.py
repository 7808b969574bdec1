"""The network: its weights, and a pass through it where images will go through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa

from job.errors import WeightsError
from job.features.backbones import backbone
from job.features.network import NetworkSpec, network
from job.features.weights import WeightsFile, resolve_weights
from job.pipeline.in_cluster.context import Inside, told

Batches = Iterator[pa.RecordBatch]
_SCHEMA = pa.schema({"features": pa.list_(pa.float32())})


def weights(subject: Inside) -> str:
    """The weights file is whole: its sha256 is the one recorded beside it."""
    found = _weights(subject)
    return f"{found.path}, sha256 {found.sha256}"


def _weights(subject: Inside) -> WeightsFile:
    return resolve_weights(backbone(subject.network.backbone), subject.network.weights)


def forward_pass(subject: Inside) -> str:
    """A Python worker of Spark builds the network and features one grey image."""
    chosen, found = backbone(subject.network.backbone), _weights(subject)
    spec = NetworkSpec(
        chosen.name,
        found.path,
        found.tensors_sha256,
        threads=1,
        batch_size=1,
        precision=subject.network.precision,
    )
    with told("the pass through the network", "see the lines above; the worker's memory may end"):
        rows = subject.spark.range(1).mapInArrow(_featurize_with(spec), "features array<float>")
        (row,) = rows.collect()
    features = np.asarray(row.features)
    if len(features) != chosen.dimension or not np.isfinite(features).all():
        raise WeightsError(
            f"{chosen.name} gives {len(features)} features, not all of them finite",
            expected=f"{chosen.dimension} finite numbers",
            fix="check --weights, or leave it out to use the shipped file",
        )
    return f"{len(features):,} features"


def _featurize_with(spec: NetworkSpec) -> Callable[[Iterable[pa.RecordBatch]], Batches]:
    def featurize(_: Iterable[pa.RecordBatch]) -> Batches:
        grey = np.full((1, *backbone(spec.backbone).input_size, 3), 128, np.uint8)
        features = network(spec).features(grey)[0]
        yield pa.RecordBatch.from_pydict({"features": [features.tolist()]}, schema=_SCHEMA)

    return featurize
