"""Clusterings for tests: a small one, and one of maximum size."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from job.analysis.clustering.agreement import Cell, main_clusters
from job.analysis.clustering.result import ClusterResult
from job.analysis.clustering.sample import MAX_IMAGES, ClusterSample


def fruit_clusters(**changes: Any) -> ClusterResult:
    """1,230 images: Apple mostly in cluster 0, Plum all in cluster 1."""
    cells = [Cell("Apple", 0, 900), Cell("Apple", 1, 100), Cell("Plum", 1, 230)]
    result = ClusterResult(
        run_id="20260102t030405-1a2b3c",
        created="2026-01-02T03:04:05+00:00",
        images=1230,
        components=2,
        clusters=2,
        clusters_found=2,
        seed=7,
        starts=5,
        silhouette=0.4123,
        adjusted_rand_index=0.7,
        normalized_mutual_information=None,
        sum_of_squares=12.5,
        labels=main_clusters(cells),
        contingency=cells,
        fingerprint={"backbone": "mobilenet_v2"},
        versions={"spark": "4.0.2"},
    )
    return replace(result, **changes)


def fruit_sample() -> ClusterSample:
    """Three images of two labels in two clusters."""
    return ClusterSample(
        labels=["Apple", "Plum"],
        x=[0.0, 0.5, -2.0],
        y=[1.0, 1.5, -1.0],
        label=[0, 0, 1],
        cluster=[0, 1, 1],
    )


def largest_clusters(spread_over: int = 131) -> tuple[ClusterResult, ClusterSample]:
    """131 labels with long names, each in `spread_over` of 131 clusters, and a full sample."""
    rng = random.Random(0)
    labels: list[str | None] = [f"品种 {number} {'果' * 300}" for number in range(131)]
    cells = [
        Cell(label, (row + offset) % 131, 5)
        for row, label in enumerate(labels)
        for offset in range(spread_over)
    ]
    images = 5 * len(cells)
    result = fruit_clusters(labels=main_clusters(cells), contingency=cells, images=images)
    points = range(MAX_IMAGES)
    sample = ClusterSample(
        labels=labels,
        x=[float(f"{rng.random():.4g}") for _ in points],
        y=[float(f"{rng.random():.4g}") for _ in points],
        label=[rng.randrange(131) for _ in points],
        cluster=[rng.randrange(131) for _ in points],
    )
    return result, sample
