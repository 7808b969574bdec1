"""Some clustered images on their first two components: clusters/sample.json, for the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from job import schemas
from job.images.sampling import sample_filter

SAMPLE = "sample.json"
# The driver holds them, and the page shows them.
MOST = 3_000
RULE = f"up to about {MOST:,} images, chosen by a hash of their path"


@dataclass(frozen=True)
class ClusterSample:
    """Columns of one entry an image; `y` is None with one component, `label` counts in `labels`."""

    labels: Sequence[str | None]
    x: Sequence[float]
    y: Sequence[float | None]
    label: Sequence[int]
    cluster: Sequence[int]

    def to_json(self) -> str:
        """JSON without spaces: about 25 bytes an image."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


def sample_of(assigned: DataFrame, images: int) -> ClusterSample:
    """The sample of `assigned` (path, label, pca, cluster), which has `images` rows."""
    rows = (
        assigned.where(sample_filter(images, MOST))
        .select(
            schemas.LABEL,
            F.get(schemas.PCA, F.lit(0)).alias("x"),
            F.get(schemas.PCA, F.lit(1)).alias("y"),
            schemas.CLUSTER,
        )
        .collect()
    )
    labels = sorted({row.label for row in rows}, key=lambda label: (label is None, label or ""))
    number = {label: index for index, label in enumerate(labels)}
    return ClusterSample(
        labels=labels,
        x=[_rounded(row.x) for row in rows],
        y=[None if row.y is None else _rounded(row.y) for row in rows],
        label=[number[row.label] for row in rows],
        cluster=[row.cluster for row in rows],
    )


def _rounded(value: float) -> float:
    """Four digits: more than a screen has."""
    return float(f"{value:.4g}")
