"""Figures of a clustering: the plane coloured by cluster or label, and the contingency table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Scatter
from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure
from bokeh.transform import factor_cmap, factor_mark

from job.analysis.clustering.agreement import Cell
from job.analysis.clustering.sample import ClusterSample
from job.report.class_series import class_series, label_text
from job.report.figure_style import (
    ACCENT,
    MAX_LABEL_BYTES,
    MAX_NAMED_ROWS,
    TEXT_TOOLTIP,
    empty_figure,
    name_columns,
    name_rows,
)
from job.report.plane_figure import MARK_PIXELS
from job.report.report_data import Point
from job.runtime.formatting import truncate_middle

BY_CLUSTER, BY_LABEL = "cluster", "label"
_ROW_PIXELS = 20
# Alpha channels of fill colours: 70 % and transparent.
_FILLED, _HOLLOW = "b3", "00"


def cluster_plane(sample: ClusterSample, *, colours: str = BY_CLUSTER) -> figure:
    """The images of `sample` on their first two components, coloured by "cluster" or "label".

    Each colouring is a renderer, tagged ["cluster"] or ["label"]; only the one of `colours` is
    visible. With a single component, each cluster has its own row.
    """
    plane = empty_figure(x_axis_label="PC 1", y_axis_label="PC 2", height=520)
    strip = any(y is None for y in sample.y)
    if strip:
        plane.yaxis.axis_label = "cluster"
    names = [truncate_middle(label_text(label), MAX_LABEL_BYTES) for label in sample.labels]
    labels = [names[index] for index in sample.label]
    clusters = [cluster_name(number) for number in sample.cluster]
    heights = [-float(number) for number in sample.cluster] if strip else sample.y
    source = ColumnDataSource(
        {
            "x": np.array(sample.x, dtype=np.float32),
            "y": np.array(heights, dtype=np.float32),
            BY_LABEL: labels,
            BY_CLUSTER: clusters,
        }
    )
    renderers: list[Any] = [
        _draw_marks(plane, source, column, visible=column == colours)
        for column in (BY_CLUSTER, BY_LABEL)
    ]
    tooltip = TEXT_TOOLTIP.format("<strong>@label</strong>, @cluster")
    plane.add_tools(HoverTool(renderers=renderers, tooltips=tooltip, limit=3))
    return plane


def contingency_map(cells: Sequence[Cell], images: Mapping[str | None, int]) -> figure:
    """The share of each label (row) in each cluster (column); darker means larger.

    `images` has the images per label, in the order of the rows; `cells` may omit small cells.
    Columns are ordered by the largest label of each cluster, so that agreement forms a diagonal.
    The axes name up to 40 rows and columns.
    """
    rows = {label: -float(index) for index, label in enumerate(images)}
    ordered = _ordered_clusters(cells, list(images))
    columns = {number: float(index) for index, number in enumerate(ordered)}
    chart = empty_figure(
        x_axis_label="cluster",
        y_axis_label="" if len(rows) <= MAX_NAMED_ROWS else f"{len(rows):,} labels",
        x_range=(-0.5, max(len(columns), 1) - 0.5),
        y_range=(0.5 - max(len(rows), 1), 0.5),
        height=90 + _ROW_PIXELS * max(len(rows), 4) if len(rows) <= MAX_NAMED_ROWS else 600,
    )
    squares = chart.rect(
        x="x", y="y", width=1, height=1, source=_squares(cells, images, rows, columns),
        fill_color=ACCENT, fill_alpha="share", line_color=None,
    )  # fmt: skip
    tooltip = "<strong>@label</strong>, @cluster: @images{0,0} of its images (@share{0 %})"
    chart.add_tools(HoverTool(renderers=[squares], tooltips=TEXT_TOOLTIP.format(tooltip)))
    chart.toolbar.autohide = True
    chart.grid.grid_line_color = None
    named = len(rows) <= MAX_NAMED_ROWS
    name_rows(chart, {row: label_text(label) for label, row in rows.items()} if named else {})
    named_columns = columns if len(columns) <= MAX_NAMED_ROWS else {}
    name_columns(chart, {position: str(number) for number, position in named_columns.items()})
    return chart


def cluster_name(number: int) -> str:
    """The name of a cluster on the page."""
    return f"cluster {number}"


def _draw_marks(
    plane: figure, source: ColumnDataSource, column: str, *, visible: bool
) -> GlyphRenderer[Any]:
    """Draw all points, with the styles of classes for the groups of `column`."""
    # Beyond the maximum, the rarest groups share one style.
    series = class_series(Point("", group, 0.0) for group in dict.fromkeys(source.data[column]))
    style_by_group = {point.label: entry.style for entry in series for point in entry.points}
    groups, styles = [str(label) for label in style_by_group], list(style_by_group.values())
    fills = [f"{style.colour}{_HOLLOW if style.hollow else _FILLED}" for style in styles]
    marks = Scatter(
        marker=factor_mark(column, [style.marker for style in styles], groups),
        size=MARK_PIXELS,
        line_color=factor_cmap(column, [style.colour for style in styles], groups),
        line_width=0.8,
        fill_color=factor_cmap(column, fills, groups),
    )
    renderer: GlyphRenderer[Any] = plane.add_glyph(source, marks, visible=visible)
    renderer.tags = [column]
    return renderer


def _ordered_clusters(cells: Sequence[Cell], labels: Sequence[str | None]) -> list[int]:
    """Clusters by the position of their largest label, then by number."""
    position = {label: index for index, label in enumerate(labels)}
    largest: dict[int, Cell] = {}
    for cell in cells:
        if cell.cluster not in largest or cell.images > largest[cell.cluster].images:
            largest[cell.cluster] = cell
    return sorted(largest, key=lambda number: (position[largest[number].label], number))


def _squares(
    cells: Sequence[Cell],
    images: Mapping[str | None, int],
    rows: Mapping[str | None, float],
    columns: Mapping[int, float],
) -> ColumnDataSource:
    return ColumnDataSource(
        {
            "x": np.array([columns[cell.cluster] for cell in cells], dtype=np.float32),
            "y": np.array([rows[cell.label] for cell in cells], dtype=np.float32),
            "share": np.array(
                [cell.images / images[cell.label] for cell in cells], dtype=np.float32
            ),
            "images": np.array([cell.images for cell in cells], dtype=np.int32),
            "label": [truncate_middle(label_text(cell.label), MAX_LABEL_BYTES) for cell in cells],
            "cluster": [cluster_name(cell.cluster) for cell in cells],
        }
    )
