"""Figures of a clustering: the plane coloured by cluster or label, and label against cluster."""

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
    MOST_LABEL_BYTES,
    MOST_NAMED_ROWS,
    TEXT_TOOLTIP,
    empty_figure,
    name_columns,
    name_rows,
)
from job.report.plane_figure import MARK_PIXELS
from job.report.report_data import Point
from job.runtime.formatting import shortened

BY_CLUSTER, BY_LABEL = "cluster", "label"
_ROW_PIXELS = 20
# Of a colour: seven tenths, and nothing.
_FILLED, _HOLLOW = "b3", "00"


def cluster_plane(sample: ClusterSample, *, colours: str = BY_CLUSTER) -> figure:
    """The images of `sample` on their first two components, coloured by "cluster" or "label".

    Both colourings are there as renderers tagged ["cluster"] and ["label"], of which one is
    visible. With one component each cluster has a row.
    """
    plane = empty_figure(x_axis_label="PC 1", y_axis_label="PC 2", height=520)
    strip = any(y is None for y in sample.y)
    if strip:
        plane.yaxis.axis_label = "cluster"
    names = [shortened(label_text(label), MOST_LABEL_BYTES) for label in sample.labels]
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
        _marks(plane, source, by, visible=by == colours) for by in (BY_CLUSTER, BY_LABEL)
    ]
    told = TEXT_TOOLTIP.format("<strong>@label</strong>, @cluster")
    plane.add_tools(HoverTool(renderers=renderers, tooltips=told, limit=3))
    return plane


def contingency_map(cells: Sequence[Cell], images: Mapping[str | None, int]) -> figure:
    """The share of each label (row) that is in each cluster (column), as darkness.

    `images` is how many each label has, in the order of the rows; `cells` may lack small ones.
    A cluster stands under the first label of which it holds most images, so that agreement is a
    diagonal. Names on the axes of up to 40.
    """
    rows = {label: -float(index) for index, label in enumerate(images)}
    ordered = _ordered_clusters(cells, list(images))
    columns = {number: float(index) for index, number in enumerate(ordered)}
    chart = empty_figure(
        x_axis_label="cluster",
        y_axis_label="" if len(rows) <= MOST_NAMED_ROWS else f"{len(rows):,} labels",
        x_range=(-0.5, max(len(columns), 1) - 0.5),
        y_range=(0.5 - max(len(rows), 1), 0.5),
        height=90 + _ROW_PIXELS * max(len(rows), 4) if len(rows) <= MOST_NAMED_ROWS else 600,
    )
    squares = chart.rect(
        x="x", y="y", width=1, height=1, source=_squares(cells, images, rows, columns),
        fill_color=ACCENT, fill_alpha="share", line_color=None,
    )  # fmt: skip
    told = "<strong>@label</strong>, @cluster: @images{0,0} of its images (@share{0 %})"
    chart.add_tools(HoverTool(renderers=[squares], tooltips=TEXT_TOOLTIP.format(told)))
    chart.toolbar.autohide = True
    chart.grid.grid_line_color = None
    named = len(rows) <= MOST_NAMED_ROWS
    name_rows(chart, {row: label_text(label) for label, row in rows.items()} if named else {})
    shown = columns if len(columns) <= MOST_NAMED_ROWS else {}
    name_columns(chart, {place: str(number) for number, place in shown.items()})
    return chart


def cluster_name(number: int) -> str:
    """What a cluster is called on the page."""
    return f"cluster {number}"


def _marks(
    plane: figure, source: ColumnDataSource, by: str, *, visible: bool
) -> GlyphRenderer[Any]:
    """All points, each in the style of its group: groups have styles as classes have elsewhere."""
    # The rarest of very many share one style at the end.
    series = class_series(Point("", group, 0.0) for group in dict.fromkeys(source.data[by]))
    style_of = {point.label: each.style for each in series for point in each.points}
    groups, styles = [str(label) for label in style_of], list(style_of.values())
    fills = [f"{each.colour}{_HOLLOW if each.hollow else _FILLED}" for each in styles]
    marks = Scatter(
        marker=factor_mark(by, [each.marker for each in styles], groups),
        size=MARK_PIXELS,
        line_color=factor_cmap(by, [each.colour for each in styles], groups),
        line_width=0.8,
        fill_color=factor_cmap(by, fills, groups),
    )
    renderer: GlyphRenderer[Any] = plane.add_glyph(source, marks, visible=visible)
    renderer.tags = [by]
    return renderer


def _ordered_clusters(cells: Sequence[Cell], labels: Sequence[str | None]) -> list[int]:
    """By the place of the label that most of a cluster's images have, then by their number."""
    place = {label: index for index, label in enumerate(labels)}
    largest: dict[int, Cell] = {}
    for cell in cells:
        if cell.cluster not in largest or cell.images > largest[cell.cluster].images:
            largest[cell.cluster] = cell
    return sorted(largest, key=lambda number: (place[largest[number].label], number))


def _squares(
    cells: Sequence[Cell],
    images: Mapping[str | None, int],
    rows: Mapping[str | None, float],
    columns: Mapping[int, float],
) -> ColumnDataSource:
    return ColumnDataSource(
        {
            "x": np.array([columns[each.cluster] for each in cells], dtype=np.float32),
            "y": np.array([rows[each.label] for each in cells], dtype=np.float32),
            "share": np.array(
                [each.images / images[each.label] for each in cells], dtype=np.float32
            ),
            "images": np.array([each.images for each in cells], dtype=np.int32),
            "label": [shortened(label_text(each.label), MOST_LABEL_BYTES) for each in cells],
            "cluster": [cluster_name(each.cluster) for each in cells],
        }
    )
