"""The section of the clusters: what `image-features cluster` has left in the output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bokeh.plotting import figure

from job.analysis.clustering.agreement import Cell, MainCluster
from job.analysis.clustering.result import RESULT, ClusterResult, figure_text
from job.analysis.clustering.sample import RULE, SAMPLE, ClusterSample
from job.report.class_series import label_text
from job.report.cluster_figures import cluster_plane, contingency_map
from job.report.page import OutputFiles, Page, Shown, Tile
from job.report.report_data import ReportData
from job.runtime.formatting import count_text, counted, percent_text, shortened

ID = "clusters"
MOST_LABELS = 300
MOST_LABELS_ON_MAP = 100
# Squares with less of their label are not seen, and more are not told apart.
LEAST_SHARE = 0.01
MOST_SQUARES = 2_000
MOST_NAME_BYTES = 60

_FIGURES = (
    "run_id", "images", "components", "clusters", "clusters_found", "starts", "silhouette",
    "adjusted_rand_index", "normalized_mutual_information",
)  # fmt: skip


@dataclass(frozen=True)
class LabelRow:
    """One label in the table, and the cluster that most of its images are in."""

    name: str
    images: str
    cluster: str
    share: str


def read(files: OutputFiles) -> dict[str, Any] | None:
    """The values of JSON that the section shows, of the files of `image-features cluster`.

    Bounded: the MOST_LABELS largest labels, and of MOST_LABELS_ON_MAP the squares that are seen.
    None where there is no result; InvalidValueError where it cannot be read.
    """
    try:
        result = ClusterResult.from_json(files.read(f"{ID}/{RESULT}").decode())
        sample = json.loads(files.read(f"{ID}/{SAMPLE}"))
    except FileNotFoundError:
        return None
    largest = sorted(result.labels, key=lambda each: -each.images)
    return {
        **{name: getattr(result, name) for name in _FIGURES},
        "label_count": len(result.labels),
        "labels": [each._replace(label=_short(each.label)) for each in largest[:MOST_LABELS]],
        **_map(result, largest[:MOST_LABELS_ON_MAP]),
        "sample": {**sample, "labels": [_short(label) for label in sample["labels"]]},
    }


def show(page: Page) -> Shown | None:
    """Figures of agreement, the plane, and label against cluster; None without clusters."""
    found = page.data.sections.get(ID)
    if not found:
        return None
    return Shown(_words(found, page.data), _figures(found))


def _words(found: Mapping[str, Any], data: ReportData) -> dict[str, Any]:
    return {
        "reading": _reading(found),
        "outdated": _outdated(found, data),
        "tiles": _tiles(found),
        "rows": [_row(MainCluster(*each)) for each in found["labels"]],
        "label_count": found["label_count"],
        "labels_on_map": len(found["map_labels"]),
        "most_squares": MOST_SQUARES,
        "sampling": _sampling(found),
    }


def _figures(found: Mapping[str, Any]) -> dict[str, figure]:
    sample = ClusterSample(**found["sample"])
    labels = found["map_labels"]
    cells = [Cell(labels[row][0], cluster, images) for row, cluster, images in found["squares"]]
    chart = contingency_map(cells, dict(labels))
    return {"clusters": cluster_plane(sample), "contingency": chart}


def _map(result: ClusterResult, labels: list[MainCluster]) -> dict[str, Any]:
    """The labels of the map with their images, and its squares: (row, cluster, images)."""
    largest = {each.label for each in labels}
    images = {each.label: each.images for each in result.labels if each.label in largest}
    place = {label: index for index, label in enumerate(images)}
    cells = [each for each in result.contingency if each.label in images]
    seen = [each for each in cells if each.images >= LEAST_SHARE * images[each.label]]
    darkest = sorted(seen, key=lambda each: -each.images / images[each.label])[:MOST_SQUARES]
    squares = sorted((place[each.label], each.cluster, each.images) for each in darkest)
    named = [(_short(label), count) for label, count in images.items()]
    return {"map_labels": named, "squares": squares}


def _short(label: str | None) -> str | None:
    return None if label is None else shortened(label, MOST_NAME_BYTES)


def _reading(found: Mapping[str, Any]) -> str:
    return (
        f"k-means has put the {counted(found['images'], 'image')} into "
        f"{counted(found['clusters_found'], 'cluster')} by their "
        f"{counted(found['components'], 'component')}, without their labels."
    )


def _outdated(found: Mapping[str, Any], data: ReportData) -> str:
    """Where the projection is another by now, as far as its size tells."""
    if (found["images"], found["components"]) == (data.points_total, data.k):
        return ""
    return (
        "The projection has changed since: run `image-features cluster` again for clusters of "
        f"its {counted(data.points_total, 'image')} and {counted(data.k, 'component')}."
    )


def _tiles(found: Mapping[str, Any]) -> list[Tile]:
    return [
        Tile(
            "clusters",
            count_text(found["clusters_found"]),
            f"the tightest of {counted(found['starts'], 'start')}",
        ),
        Tile(
            "silhouette",
            figure_text(found["silhouette"]),
            "1: clusters far apart; 0: they touch; below: images in the wrong one",
        ),
        Tile(
            "adjusted Rand index",
            figure_text(found["adjusted_rand_index"]),
            "agreement with the labels; 1: the same groups, 0: as by chance",
        ),
        Tile(
            "normalized mutual information",
            figure_text(found["normalized_mutual_information"]),
            "what cluster and label say of each other; 1: all, 0: nothing",
        ),
    ]


def _row(each: MainCluster) -> LabelRow:
    return LabelRow(
        name=label_text(each.label),
        images=count_text(each.images),
        cluster=str(each.cluster),
        share=percent_text(each.share),
    )


def _sampling(found: Mapping[str, Any]) -> str:
    shown = len(found["sample"]["x"])
    if shown >= found["images"]:
        return f"All {counted(found['images'], 'image')} are shown."
    return f"{shown:,} of {found['images']:,} images are shown: {RULE}."
