"""The clusters section: the result of `image-features cluster`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bokeh.plotting import figure

from job.analysis.clustering.agreement import Cell, MainCluster
from job.analysis.clustering.result import RESULT, ClusterResult, metric_text
from job.analysis.clustering.sample import SAMPLE, SAMPLING_RULE, ClusterSample
from job.errors import InvalidValueError
from job.report.class_series import label_text
from job.report.cluster_figures import cluster_plane, contingency_map
from job.report.page import OutputFiles, Page, SectionContent, Tile
from job.report.report_data import ReportData
from job.runtime.formatting import count_text, percent_text, pluralize, truncate_middle

ID = "clusters"
MAX_LABELS = 300
MAX_LABELS_ON_MAP = 100
# Smaller squares are invisible, and a reader cannot distinguish more of them.
MIN_SHARE = 0.01
MAX_SQUARES = 2_000
MAX_NAME_BYTES = 60

_FIGURES = (
    "run_id", "images", "components", "clusters", "clusters_found", "starts", "silhouette",
    "adjusted_rand_index", "normalized_mutual_information",
)  # fmt: skip


@dataclass(frozen=True)
class LabelRow:
    """One label in the table, and the cluster with most of its images."""

    name: str
    images: str
    cluster: str
    share: str


def read(files: OutputFiles) -> dict[str, Any] | None:
    """The section's JSON values, from the files of `image-features cluster`; None without them.

    Bounded: has the MAX_LABELS largest labels, and the visible squares of MAX_LABELS_ON_MAP
    labels. A result of another release is left out, as one of a classifier is.
    """
    try:
        result = ClusterResult.from_json(files.read(f"{ID}/{RESULT}").decode())
        sample = json.loads(files.read(f"{ID}/{SAMPLE}"))
    except (FileNotFoundError, ValueError, InvalidValueError):
        return None
    largest_first = sorted(result.labels, key=lambda label: -label.images)
    return {
        **{name: getattr(result, name) for name in _FIGURES},
        "label_count": len(result.labels),
        "labels": [main._replace(label=_short(main.label)) for main in largest_first[:MAX_LABELS]],
        **_map_values(result, largest_first[:MAX_LABELS_ON_MAP]),
        "sample": {**sample, "labels": [_short(label) for label in sample["labels"]]},
    }


def build(page: Page) -> SectionContent | None:
    """Agreement scores, the plane, and the contingency map; None without clusters."""
    stored = page.data.sections.get(ID)
    if not stored:
        return None
    return SectionContent(_variables(stored, page.data), _figures(stored))


def _variables(stored: Mapping[str, Any], data: ReportData) -> dict[str, Any]:
    return {
        "summary": _summary_text(stored),
        "outdated": _outdated_text(stored, data),
        "tiles": _tiles(stored),
        "rows": [_row(MainCluster(*values)) for values in stored["labels"]],
        "label_count": stored["label_count"],
        "labels_on_map": len(stored["map_labels"]),
        "max_squares": MAX_SQUARES,
        "sampling": _sampling_text(stored),
    }


def _figures(stored: Mapping[str, Any]) -> dict[str, figure]:
    sample = ClusterSample(**stored["sample"])
    labels = stored["map_labels"]
    cells = [Cell(labels[row][0], cluster, images) for row, cluster, images in stored["squares"]]
    chart = contingency_map(cells, dict(labels))
    return {"clusters": cluster_plane(sample), "contingency": chart}


def _map_values(result: ClusterResult, labels: list[MainCluster]) -> dict[str, Any]:
    """The labels of the map with their images, and its squares: (row, cluster, images)."""
    selected = {main.label for main in labels}
    images = {main.label: main.images for main in result.labels if main.label in selected}
    row = {label: index for index, label in enumerate(images)}
    cells = [cell for cell in result.contingency if cell.label in images]
    visible = [cell for cell in cells if cell.images >= MIN_SHARE * images[cell.label]]
    darkest = sorted(visible, key=lambda cell: -cell.images / images[cell.label])[:MAX_SQUARES]
    squares = sorted((row[cell.label], cell.cluster, cell.images) for cell in darkest)
    map_labels = [(_short(label), count) for label, count in images.items()]
    return {"map_labels": map_labels, "squares": squares}


def _short(label: str | None) -> str | None:
    return None if label is None else truncate_middle(label, MAX_NAME_BYTES)


def _summary_text(stored: Mapping[str, Any]) -> str:
    return (
        f"k-means grouped the {pluralize(stored['images'], 'image')} into "
        f"{pluralize(stored['clusters_found'], 'cluster')} by their "
        f"{pluralize(stored['components'], 'component')}, without their labels."
    )


def _outdated_text(stored: Mapping[str, Any], data: ReportData) -> str:
    """A warning if the projection has changed its size since; empty otherwise."""
    if (stored["images"], stored["components"]) == (data.points_total, data.k):
        return ""
    return (
        "The projection has changed since: run `image-features cluster` again for clusters of "
        f"its {pluralize(data.points_total, 'image')} and {pluralize(data.k, 'component')}."
    )


def _tiles(stored: Mapping[str, Any]) -> list[Tile]:
    return [
        Tile(
            "clusters",
            count_text(stored["clusters_found"]),
            f"best of {pluralize(stored['starts'], 'start')}",
        ),
        Tile(
            "silhouette",
            metric_text(stored["silhouette"]),
            "1: clusters far apart; 0: clusters touch; below 0: images in the wrong cluster",
        ),
        Tile(
            "adjusted Rand index",
            metric_text(stored["adjusted_rand_index"]),
            "agreement with the labels; 1: identical groups, 0: chance",
        ),
        Tile(
            "normalized mutual information",
            metric_text(stored["normalized_mutual_information"]),
            "information that clusters and labels share; 1: all, 0: none",
        ),
    ]


def _row(main: MainCluster) -> LabelRow:
    return LabelRow(
        name=label_text(main.label),
        images=count_text(main.images),
        cluster=str(main.cluster),
        share=percent_text(main.share),
    )


def _sampling_text(stored: Mapping[str, Any]) -> str:
    sampled = len(stored["sample"]["x"])
    if sampled >= stored["images"]:
        return f"All {pluralize(stored['images'], 'image')} are shown."
    return f"{sampled:,} of {stored['images']:,} images are shown: {SAMPLING_RULE}."
