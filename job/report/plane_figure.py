"""The PCA planes: one mark per sampled image, one style per class."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import (
    BoxSelectTool,
    CDSView,
    ColumnDataSource,
    CustomJS,
    HoverTool,
    IndexFilter,
    LassoSelectTool,
    Scatter,
)
from bokeh.models.annotations import Legend, LegendItem
from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure

from job.report.class_series import ClassSeries, class_series, label_text, select_distant_points
from job.report.figure_style import (
    IMAGE_TOOLTIP,
    INK,
    MAX_LABEL_BYTES,
    MAX_NAMED_ROWS,
    MAX_ROW_NAME_BYTES,
    empty_figure,
    name_rows,
)
from job.report.report_data import Point
from job.runtime.formatting import percent_text, truncate_middle

PLANES = ((1, 2), (3, 4))
HEIGHTS = (560, 440)

CLASS_TAG, PICTURE_TAG, HOVER_TAG = "class", "picture", "hover"
MAX_PICTURES_ON_PLANE = 24
FEW_CLASSES = 8
MAX_TOOLTIPS = 3
PICTURE_PIXELS = 36
MARK_PIXELS = 8
MAX_PATH_BYTES = 90
ROWS_PER_LEGEND_COLUMN = 22

Axes = tuple[int, int]


@dataclass(frozen=True)
class _Cloud:
    """The data that all planes share: `source` has all points, `views` has one view per class.

    `all_visible` is the view of all points that hovering finds. A `strip` has no second component.
    """

    series: Sequence[ClassSeries]
    source: ColumnDataSource
    views: Sequence[CDSView]
    all_visible: CDSView
    strip: bool


def pca_plane(
    points: Sequence[Point],
    variance_curve: Sequence[float] = (),
    *,
    components: Axes = (1, 2),
    path_root: str = "",
    legend: bool = True,
) -> figure:
    """The points on two of their components, each class with its own colour and marker.

    Hovering shows thumbnail, label and path (without `path_root`). `variance_curve` has explained
    variance ratios for the axis labels. Points without a second component form a strip with one
    row per class. With `legend`, a click on a class hides it. Renderers are tagged
    ["class", index] and ["picture", index] with the index in `class_series(points)`. Raises
    ValueError for components that the points do not have.
    """
    cloud = _build_cloud(class_series(points), path_root)
    if components != PLANES[0] and not _have_components(points, components):
        raise ValueError(f"these points have no components {components[0]} and {components[1]}")
    return _plane(cloud, components, variance_curve, HEIGHTS[0], legend=legend)


def pca_planes(
    points: Sequence[Point],
    variance_curve: Sequence[float] = (),
    *,
    series: Sequence[ClassSeries] | None = None,
    path_root: str = "",
) -> list[figure]:
    """The planes of components 1 and 2 and, if all points have them, 3 and 4.

    They share one data source: a selection on one plane appears on the other. A caller that has
    `class_series(points)` already can pass it as `series`.
    """
    cloud = _build_cloud(class_series(points) if series is None else series, path_root)
    return [
        _plane(cloud, components, variance_curve, height)
        for components, height in zip(PLANES, HEIGHTS, strict=True)
        if components == PLANES[0] or _have_components(points, components)
    ]


def data_uri(thumbnail: str | None) -> str:
    """The data URI of a base64 JPEG; empty for None."""
    return f"data:image/jpeg;base64,{thumbnail}" if thumbnail else ""


def _have_components(points: Sequence[Point], components: Sequence[int]) -> bool:
    return bool(points) and all(
        point.component(number) is not None for point in points for number in components
    )


def _build_cloud(series: Sequence[ClassSeries], path_root: str) -> _Cloud:
    points = [point for entry in series for point in entry.points]
    strip = bool(points) and all(point.y is None for point in points)
    views, first = [], 0
    for entry in series:
        rows = range(first, first + len(entry.points))
        views.append(CDSView(filter=IndexFilter(indices=list(rows))))
        first = rows.stop
    all_visible = CDSView(filter=IndexFilter(indices=list(range(first))))
    source = ColumnDataSource(_build_columns(series, path_root, strip=strip))
    return _Cloud(series, source, views, all_visible, strip)


def _build_columns(series: Sequence[ClassSeries], root: str, *, strip: bool) -> dict[str, Any]:
    """One row per point, class after class; in a strip, the y values are rows of classes."""
    points = [point for entry in series for point in entry.points]
    columns = {
        _column_name(number): _values(points, number)
        for axes in PLANES
        for number in axes
        if axes == PLANES[0] or _have_components(points, [number])
    }
    if strip:
        rows = [(index, point) for index, entry in enumerate(series) for point in entry.points]
        columns[_column_name(2)] = np.array([_row_height(*row) for row in rows], dtype=np.float32)
    return columns | {
        "label": [truncate_middle(label_text(point.label), MAX_LABEL_BYTES) for point in points],
        "path": [_short_path(point.path, root) for point in points],
        "picture": [data_uri(point.thumbnail) for point in points],
        "shown": ["block" if point.thumbnail else "none" for point in points],
    }


def _column_name(component: int) -> str:
    return f"pc{component}"


def _values(points: Sequence[Point], component: int) -> Any:
    return np.array([point.component(component) or 0.0 for point in points], dtype=np.float32)


def _row_height(row: int, point: Point) -> float:
    """A height within 0.3 of the row, from a hash of the path, so that pages are reproducible."""
    return 0.6 * zlib.crc32(point.path.encode()) / 0xFFFFFFFF - 0.3 - row


def _short_path(path: str, root: str) -> str:
    return truncate_middle(path.removeprefix(root).lstrip("/"), MAX_PATH_BYTES)


def _plane(
    cloud: _Cloud,
    components: Axes,
    curve: Sequence[float],
    height: int,
    *,
    legend: bool = False,
) -> figure:
    first, second = components
    plane = empty_figure(
        x_axis_label=_component_label(first, curve),
        y_axis_label="" if cloud.strip else _component_label(second, curve),
        # With equal scales, distances on the plane are distances of the data.
        match_aspect=not cloud.strip,
        height=height,
    )
    plane.min_border_left = 8
    classes = _draw_classes(plane, cloud, components)
    hovered = _draw_hover_targets(plane, cloud, components)
    if cloud.strip:
        _name_classes(plane, cloud.series)
    else:
        _draw_pictures(plane, cloud.series, components)
        plane.add_tools(BoxSelectTool(renderers=[hovered]), LassoSelectTool(renderers=[hovered]))
    if legend and len(cloud.series) > 1:
        _add_legend(plane, cloud, classes)
    return plane


def _component_label(number: int, curve: Sequence[float]) -> str:
    if number > len(curve):
        return f"PC {number}"
    return f"PC {number} ({percent_text(curve[number - 1])})"


def _draw_classes(plane: figure, cloud: _Cloud, components: Axes) -> list[GlyphRenderer[Any]]:
    x, y = map(_column_name, components)
    renderers = []
    for index, (entry, view) in enumerate(zip(cloud.series, cloud.views, strict=True)):
        style = entry.style
        # `plane.scatter` would add four unused glyphs per class.
        marks = Scatter(
            x=x,
            y=y,
            marker=style.marker,
            size=MARK_PIXELS,
            line_color=style.colour,
            line_width=1.5 if style.hollow else 0.5,
            fill_color=style.colour,
            fill_alpha=0.0 if style.hollow else 0.7,
        )
        name = truncate_middle(entry.name, MAX_LABEL_BYTES)
        renderer: GlyphRenderer[Any] = plane.add_glyph(cloud.source, marks, view=view, name=name)
        renderer.tags = [CLASS_TAG, index]
        renderers.append(renderer)
    return renderers


def _draw_hover_targets(plane: figure, cloud: _Cloud, components: Axes) -> GlyphRenderer[Any]:
    """Draw all points again, invisibly: one renderer per class would stack up tooltips."""
    x, y = map(_column_name, components)
    hovered: GlyphRenderer[Any] = plane.scatter(
        x,
        y,
        source=cloud.source,
        view=cloud.all_visible,
        size=MARK_PIXELS,
        alpha=0.0,
        nonselection_alpha=0.0,
    )
    hovered.tags = [HOVER_TAG]
    plane.add_tools(HoverTool(renderers=[hovered], tooltips=IMAGE_TOOLTIP, limit=MAX_TOOLTIPS))
    return hovered


def _draw_pictures(plane: figure, series: Sequence[ClassSeries], components: Axes) -> None:
    """Draw thumbnails that lie far apart, framed in the colour of their class."""
    class_index = {
        point: index
        for index, entry in enumerate(series)
        for point in _picture_candidates(entry, len(series))
    }
    points = select_distant_points(list(class_index), MAX_PICTURES_ON_PLANE, components=components)
    # Separate from the points' source: with a selection, Bokeh does not draw the other images.
    source = ColumnDataSource(
        {
            "x": _values(points, components[0]),
            "y": _values(points, components[1]),
            "picture": [data_uri(point.thumbnail) for point in points],
        }
    )
    for row, point in enumerate(points):
        view = CDSView(filter=IndexFilter(indices=[row]))
        index = class_index[point]
        _draw_picture(plane, source, view, series[index].style.colour, [PICTURE_TAG, index])


def _picture_candidates(series: ClassSeries, class_count: int) -> Sequence[Point]:
    """The typical point if there are many classes; else all points with a thumbnail."""
    if class_count >= FEW_CLASSES:
        return [series.typical_point] if series.typical_point else []
    return [point for point in series.points if point.thumbnail]


def _draw_picture(
    plane: figure, source: ColumnDataSource, view: CDSView, colour: str, tags: list[Any]
) -> None:
    frame = Scatter(marker="square", size=PICTURE_PIXELS + 4, fill_color="white", line_color=colour)
    plane.add_glyph(source, frame, view=view).tags = tags
    picture: GlyphRenderer[Any] = plane.image_url(
        url="picture",
        w=PICTURE_PIXELS,
        h=PICTURE_PIXELS,
        w_units="screen",
        h_units="screen",
        anchor="center",
        source=source,
        view=view,
    )
    picture.tags = tags


def _name_classes(plane: figure, series: Sequence[ClassSeries]) -> None:
    names = {-float(index): entry.name for index, entry in enumerate(series)}
    name_rows(plane, names if len(series) <= MAX_NAMED_ROWS else {})
    plane.ygrid.grid_line_color = None


def _add_legend(plane: figure, cloud: _Cloud, renderers: Sequence[GlyphRenderer[Any]]) -> None:
    items = [
        LegendItem(
            label={"value": truncate_middle(entry.name, MAX_ROW_NAME_BYTES)}, renderers=[renderer]
        )
        for entry, renderer in zip(cloud.series, renderers, strict=True)
    ]
    columns = -(-len(items) // ROWS_PER_LEGEND_COLUMN)
    legend = Legend(items=items, click_policy="hide", ncols=columns, label_text_color=INK)
    legend.background_fill_alpha = 0.0
    plane.add_layout(legend, "right")
    update_hover = CustomJS(
        args={"renderers": list(renderers), "all_visible": cloud.all_visible},
        code="all_visible.filter.indices = renderers.filter((renderer) => renderer.visible)"
        ".flatMap((renderer) => [...renderer.view.filter.indices])",
    )
    for renderer in renderers:
        renderer.js_on_change("visible", update_hover)
