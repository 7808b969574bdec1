"""Bokeh figures of a run, for the report and for notebooks: data in, figure out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from bokeh.models import (
    BoxZoomTool,
    CDSView,
    ColumnDataSource,
    CrosshairTool,
    CustomJS,
    FixedTicker,
    HoverTool,
    IndexFilter,
    NumeralTickFormatter,
    PanTool,
    PlainText,
    ResetTool,
    Scatter,
    WheelZoomTool,
    ZoomInTool,
    ZoomOutTool,
)
from bokeh.models.annotations import Label, Legend, LegendItem, Span
from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure

from job.analysis.class_series import ClassSeries, class_series, label_text, spread
from job.analysis.report_data import ClassCount, Point
from job.number_text import asked_text, percent_text, shortened

# Greys and one accent that are legible on white and on black; the report's style sheet sets
# its own through Bokeh's --bk- variables.
INK = "#6b7780"
FAINT = "#8a949b"
ACCENT = "#0f8a7e"

CLASS_TAG, PICTURE_TAG, HOVER_TAG = "class", "picture", "hover"
MOST_PICTURES_ON_PLANE = 24
FEW_CLASSES = 8
MOST_TOOLTIPS = 3
PICTURE_PIXELS = 36
MARK_PIXELS = 8
MOST_NAMED_BARS = 40
MOST_PATH_BYTES = 120
MOST_LABEL_BYTES = 60
ROWS_PER_LEGEND_COLUMN = 22

# Bokeh escapes what replaces @name. The negative margin covers Bokeh's own white tooltip.
_IMAGE_TOOLTIP = """
<div style="margin:-5px;padding:8px 10px;max-width:300px;font:13px/1.4 system-ui,sans-serif;
            background:var(--card,#fff);color:var(--ink,#1c2327)">
  <img src="@picture" alt="" width="96" height="96"
       style="display:@shown;margin-bottom:6px;border-radius:4px;background:#fff">
  <strong>@label</strong>
  <div style="overflow-wrap:anywhere;opacity:.75;font-size:12px">@path</div>
</div>"""
_TEXT_TOOLTIP = """
<div style="margin:-5px;padding:6px 10px;font:13px/1.4 system-ui,sans-serif;
            background:var(--card,#fff);color:var(--ink,#1c2327)">{}</div>"""


def pca_plane(
    points: Sequence[Point],
    variance_curve: Sequence[float] = (),
    *,
    path_root: str = "",
    legend: bool = True,
) -> figure:
    """The points on their first two components, each class with its own colour and marker.

    Hovering shows thumbnail, label and path (without `path_root`); `variance_curve`, explained
    variance ratios, goes into the axis labels. Points without a second component are drawn as a
    strip, one row a class. With `legend`, a click on a class hides it. Renderers are tagged
    ["class", index] and ["picture", index] with the index in `class_series(points)`.
    """
    series = class_series(points)
    strip = bool(points) and all(point.y is None for point in points)
    plane = _plane_figure(variance_curve, strip=strip)
    source = ColumnDataSource(_columns(series, path_root, strip=strip))
    renderers = _class_renderers(plane, source, series)
    hovered = _hovered_points(plane, source)
    if strip:
        _name_rows(plane, series)
    else:
        _pictures(plane, series)
    if legend and len(series) > 1:
        _clickable_legend(plane, series, renderers, hovered)
    return plane


def variance_curve(curve: Sequence[float], k: int, asked: float | None) -> figure:
    """The cumulative explained variance of all components, with the k that are kept marked.

    `curve` holds ratios that sum to 1; `asked` is the share that decided k, None when k was given.
    """
    cumulative = np.cumsum(np.asarray(curve, dtype=np.float64))
    chart = _figure(
        x_axis_label="components",
        y_axis_label="explained variance",
        x_range=(0, max(1.02 * len(cumulative), 1.5)),
        y_range=(0, 1.04),
        height=320,
    )
    chart.toolbar.autohide = True
    chart.yaxis.formatter = NumeralTickFormatter(format="0 %")
    chart.xaxis.formatter = NumeralTickFormatter(format="0,0")
    line = _curve_line(chart, cumulative)
    chart.add_tools(
        HoverTool(
            renderers=[line],
            mode="vline",
            tooltips=_TEXT_TOOLTIP.format("first <strong>@n{0,0}</strong>: @kept{0.0 %}"),
        )
    )
    if 1 <= k <= len(cumulative):
        _mark_k(chart, k, float(cumulative[k - 1]), len(cumulative), asked)
    if asked is not None:
        chart.add_layout(_reference(asked, "width"))
    return chart


def class_counts(classes: Sequence[ClassCount]) -> figure:
    """Images per class as horizontal bars, the largest on top; names on the axis of up to 40."""
    ordered = sorted(classes, key=lambda each: -each.images)
    named = len(ordered) <= MOST_NAMED_BARS
    rows = [-float(index) for index in range(len(ordered))]
    chart = _figure(
        x_axis_label="images",
        y_axis_label="" if named else f"{len(ordered):,} classes, the largest on top",
        x_range=(0, 1.05 * max((each.images for each in ordered), default=1)),
        y_range=(min(rows, default=0.0) - 0.6, 0.6),
        height=80 + 24 * max(len(ordered), 4) if named else 540,
    )
    bars = _bars(chart, ordered, rows)
    chart.add_tools(
        HoverTool(
            renderers=[bars],
            mode="hline",
            tooltips=_TEXT_TOOLTIP.format("<strong>@label</strong>: @images{0,0}"),
        )
    )
    chart.toolbar_location = None
    chart.xaxis.formatter = NumeralTickFormatter(format="0,0")
    chart.ygrid.grid_line_color = None
    names = {row: label_text(each.label) for row, each in zip(rows, ordered, strict=True)}
    _label_rows(chart, names if named else {})
    return chart


def _plane_figure(curve: Sequence[float], *, strip: bool) -> figure:
    plane = _figure(
        x_axis_label=_component_label(1, curve),
        y_axis_label="" if strip else _component_label(2, curve),
        # Equal scales: only then are distances on the plane distances of the data.
        match_aspect=not strip,
        height=560,
    )
    plane.min_border_left = 8
    return plane


def _figure(**options: Any) -> figure:
    """An empty figure in the report's style; the wheel zooms only with Ctrl, else pages scroll."""
    wheel = WheelZoomTool(modifiers="ctrl")
    tools = [PanTool(), BoxZoomTool(), wheel, ZoomInTool(), ZoomOutTool(), ResetTool()]
    chart = figure(tools=tools, toolbar_location="above", sizing_mode="stretch_width", **options)
    chart.toolbar.logo = None
    chart.background_fill_color = None
    chart.border_fill_color = None
    chart.outline_line_color = None
    chart.axis.axis_label_text_font_style = "normal"
    chart.axis.axis_label_text_color = INK
    chart.axis.major_label_text_color = INK
    chart.axis.axis_line_color = FAINT
    chart.axis.major_tick_line_color = FAINT
    chart.axis.minor_tick_line_color = None
    chart.grid.grid_line_color = FAINT
    chart.grid.grid_line_alpha = 0.25
    return chart


def _component_label(number: int, curve: Sequence[float]) -> str:
    if number > len(curve):
        return f"PC {number}"
    return f"PC {number} ({percent_text(curve[number - 1])})"


def _columns(series: Sequence[ClassSeries], root: str, *, strip: bool) -> dict[str, Any]:
    """One row a point, class after class; the heights of a strip are rows instead of values."""
    rows = [(index, point) for index, each in enumerate(series) for point in each.points]
    heights = (
        [_row_height(*row) for row in rows] if strip else [point.y or 0.0 for _, point in rows]
    )
    return {
        "x": np.array([point.x for _, point in rows], dtype=np.float32),
        "y": np.array(heights, dtype=np.float32),
        "label": [shortened(label_text(point.label), MOST_LABEL_BYTES) for _, point in rows],
        "path": [_short_path(point.path, root) for _, point in rows],
        "picture": [data_uri(point.thumbnail) for _, point in rows],
        "shown": ["block" if point.thumbnail else "none" for _, point in rows],
    }


def _row_height(row: int, point: Point) -> float:
    """Within 0.3 of the row, from the path alone, so that a page renders the same twice."""
    return 0.6 * zlib.crc32(point.path.encode()) / 0xFFFFFFFF - 0.3 - row


def _class_renderers(
    plane: figure, source: ColumnDataSource, series: Sequence[ClassSeries]
) -> list[GlyphRenderer[Any]]:
    renderers, first = [], 0
    for index, each in enumerate(series):
        style, rows = each.style, range(first, first + len(each.points))
        # `plane.scatter` would add four more glyphs a class, for selections that nobody makes.
        marks = Scatter(
            marker=style.marker,
            size=MARK_PIXELS,
            line_color=style.colour,
            line_width=1.5 if style.hollow else 0.5,
            fill_color=style.colour,
            fill_alpha=0.0 if style.hollow else 0.7,
        )
        view = CDSView(filter=IndexFilter(indices=list(rows)))
        name = shortened(each.name, MOST_LABEL_BYTES)
        renderer: GlyphRenderer[Any] = plane.add_glyph(source, marks, view=view, name=name)
        renderer.tags = [CLASS_TAG, index]
        renderers.append(renderer)
        first = rows.stop
    return renderers


def _hovered_points(plane: figure, source: ColumnDataSource) -> GlyphRenderer[Any]:
    """All points once more, unseen: hovering over a renderer each would pile up their tooltips."""
    everything = CDSView(filter=IndexFilter(indices=list(range(len(source.data["x"])))))
    hovered: GlyphRenderer[Any] = plane.scatter(
        "x", "y", source=source, view=everything, size=MARK_PIXELS, alpha=0.0
    )
    hovered.tags = [HOVER_TAG]
    plane.add_tools(HoverTool(renderers=[hovered], tooltips=_IMAGE_TOOLTIP, limit=MOST_TOOLTIPS))
    return hovered


def _short_path(path: str, root: str) -> str:
    return shortened(path.removeprefix(root).lstrip("/"), MOST_PATH_BYTES)


def data_uri(thumbnail: str | None) -> str:
    """The address of a base64 JPEG; empty for none."""
    return f"data:image/jpeg;base64,{thumbnail}" if thumbnail else ""


def _pictures(plane: figure, series: Sequence[ClassSeries]) -> None:
    """Thumbnails that lie far apart, framed in the colour of their class: of many classes the
    typical ones, of few classes any, so that the plane is covered either way."""
    index_of = {point: index for index, each in enumerate(series) for point in _shown(each, series)}
    for point in spread(list(index_of), MOST_PICTURES_ON_PLANE):
        index = index_of[point]
        _picture(plane, point, series[index].style.colour, [PICTURE_TAG, index])


def _shown(each: ClassSeries, series: Sequence[ClassSeries]) -> Sequence[Point]:
    if len(series) >= FEW_CLASSES:
        return [each.typical] if each.typical else []
    return [point for point in each.points if point.thumbnail]


def _picture(plane: figure, point: Point, colour: str, tags: list[Any]) -> None:
    x, y = [point.x], [point.y or 0.0]
    frame = plane.scatter(
        x, y, marker="square", size=PICTURE_PIXELS + 4, fill_color="white", line_color=colour
    )
    picture = plane.image_url(
        url=[data_uri(point.thumbnail)],
        x=x,
        y=y,
        w=PICTURE_PIXELS,
        h=PICTURE_PIXELS,
        w_units="screen",
        h_units="screen",
        anchor="center",
    )
    frame.tags = picture.tags = tags


def _name_rows(plane: figure, series: Sequence[ClassSeries]) -> None:
    names = {-float(index): each.name for index, each in enumerate(series)}
    _label_rows(plane, names if len(series) <= MOST_NAMED_BARS else {})
    plane.ygrid.grid_line_color = None


def _label_rows(chart: figure, names: dict[float, str]) -> None:
    """Names at these heights of the y axis, as plain text: a label may look like TeX."""
    chart.yaxis.ticker = FixedTicker(ticks=sorted(names))
    chart.yaxis.major_label_overrides = {
        row: PlainText(text=shortened(name, 24)) for row, name in names.items()
    }
    chart.yaxis.major_tick_line_color = None


def _clickable_legend(
    plane: figure,
    series: Sequence[ClassSeries],
    renderers: Sequence[GlyphRenderer[Any]],
    hovered: GlyphRenderer[Any],
) -> None:
    items = [
        LegendItem(label={"value": shortened(each.name, 24)}, renderers=[renderer])
        for each, renderer in zip(series, renderers, strict=True)
    ]
    columns = -(-len(items) // ROWS_PER_LEGEND_COLUMN)
    legend = Legend(items=items, click_policy="hide", ncols=columns, label_text_color=INK)
    legend.background_fill_alpha = 0.0
    plane.add_layout(legend, "right")
    hover_what_is_seen = CustomJS(
        args={"renderers": list(renderers), "hovered": hovered},
        code="hovered.view.filter.indices = renderers.filter((each) => each.visible)"
        ".flatMap((each) => [...each.view.filter.indices])",
    )
    for renderer in renderers:
        renderer.js_on_change("visible", hover_what_is_seen)


def _curve_line(chart: figure, cumulative: np.ndarray[Any, Any]) -> GlyphRenderer[Any]:
    source = ColumnDataSource(
        {
            "n": np.arange(1, len(cumulative) + 1, dtype=np.int32),
            "kept": cumulative.astype(np.float32),
        }
    )
    chart.varea("n", 0, "kept", source=source, fill_color=ACCENT, fill_alpha=0.12)
    line: GlyphRenderer[Any] = chart.line(
        "n", "kept", source=source, line_color=ACCENT, line_width=2.5
    )
    chart.add_tools(
        CrosshairTool(dimensions="height", line_color=FAINT, line_alpha=0.4, visible=False)
    )
    return line


def _mark_k(chart: figure, k: int, kept: float, components: int, asked: float | None) -> None:
    chart.add_layout(_reference(k, "height"))
    chart.scatter([k], [kept], size=10, fill_color=ACCENT, line_color="white", line_width=2)
    on_left = k > components / 2
    request = "" if asked is None else f"\n({asked_text(asked)} asked)"
    chart.add_layout(
        Label(
            x=k,
            y=kept,
            text=f"k = {k:,}  ·  {percent_text(kept)}{request}",
            text_align="right" if on_left else "left",
            text_baseline="top",
            text_color=ACCENT,
            text_font_style="bold",
            text_font_size="14px",
            x_offset=-10 if on_left else 10,
            y_offset=-14,
        )
    )


def _reference(location: float, dimension: Literal["width", "height"]) -> Span:
    return Span(
        location=location,
        dimension=dimension,
        line_color=FAINT,
        line_dash="dashed",
        line_width=1.2,
    )


def _bars(
    chart: figure, ordered: Sequence[ClassCount], rows: Sequence[float]
) -> GlyphRenderer[Any]:
    source = ColumnDataSource(
        {
            "row": list(rows),
            "images": [each.images for each in ordered],
            "label": [shortened(label_text(each.label), MOST_LABEL_BYTES) for each in ordered],
        }
    )
    bars: GlyphRenderer[Any] = chart.hbar(
        y="row", right="images", height=0.7, source=source, fill_color=ACCENT, line_color=None
    )
    return bars
