"""A sample of clustered images for the report: clusters/sample.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from job import schemas
from job.images.sampling import sample_filter

SAMPLE = "sample.json"
# The driver holds the sample, and the page shows it.
MAX_IMAGES = 3_000
SAMPLING_RULE = f"up to about {MAX_IMAGES:,} images, chosen by a hash of their path"


@dataclass(frozen=True)
class ClusterSample:
    """Columns with one entry per image; `label` is an index into `labels`.

    `x` and `y` are the first two components; `y` is None if there is only one.
    """

    labels: Sequence[str | None]
    x: Sequence[float]
    y: Sequence[float | None]
    label: Sequence[int]
    cluster: Sequence[int]

    def to_json(self) -> str:
        """JSON without spaces: about 25 bytes per image."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


def sample_clusters(clustered: DataFrame, images: int) -> ClusterSample:
    """Sample the rows of `clustered` (path, label, pca, cluster), of which there are `images`."""
    rows = (
        clustered.where(sample_filter(images, MAX_IMAGES))
        .select(
            schemas.LABEL,
            F.get(schemas.PCA, F.lit(0)).alias("x"),
            F.get(schemas.PCA, F.lit(1)).alias("y"),
            schemas.CLUSTER,
        )
        .collect()
    )
    labels = sorted({row.label for row in rows}, key=lambda label: (label is None, label or ""))
    label_index = {label: index for index, label in enumerate(labels)}
    return ClusterSample(
        labels=labels,
        x=[_round(row.x) for row in rows],
        y=[None if row.y is None else _round(row.y) for row in rows],
        label=[label_index[row.label] for row in rows],
        cluster=[row.cluster for row in rows],
    )


def _round(value: float) -> float:
    """`value` with four digits, more than a screen resolves."""
    return float(f"{value:.4g}")
