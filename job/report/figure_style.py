"""The style that all figures share: an empty figure, colours, tooltips, axis names."""

from __future__ import annotations

from typing import Any, Literal

from bokeh.models import (
    BoxZoomTool,
    FixedTicker,
    PanTool,
    PlainText,
    ResetTool,
    WheelZoomTool,
    ZoomInTool,
    ZoomOutTool,
)
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from job.runtime.formatting import truncate_middle

# Greys and an accent, legible on white and on black. The report's style sheet overrides them
# through Bokeh's --bk- variables.
INK = "#6b7780"
FAINT = "#8a949b"
ACCENT = "#0f8a7e"

MAX_NAMED_ROWS = 40
MAX_ROW_NAME_BYTES = 24
MAX_LABEL_BYTES = 45

# Bokeh escapes the values of @name. The negative margin covers Bokeh's own white tooltip.
IMAGE_TOOLTIP = """
<div style="margin:-5px;padding:8px 10px;max-width:300px;font:13px/1.4 system-ui,sans-serif;
            background:var(--card,#fff);color:var(--ink,#1c2327)">
  <img src="@picture" alt="" width="96" height="96"
       style="display:@shown;margin-bottom:6px;border-radius:4px;background:#fff">
  <strong>@label</strong>
  <div style="overflow-wrap:anywhere;opacity:.75;font-size:12px">@path</div>
</div>"""
TEXT_TOOLTIP = """
<div style="margin:-5px;padding:6px 10px;font:13px/1.4 system-ui,sans-serif;
            background:var(--card,#fff);color:var(--ink,#1c2327)">{}</div>"""


def empty_figure(**options: Any) -> figure:
    """An empty figure in the report's style. The wheel zooms with Ctrl and scrolls without it."""
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


def place_legend(chart: figure, location: Literal["top_left", "bottom_right"]) -> None:
    """Style the figure's legend; a click on an entry hides its line."""
    chart.legend.location = location
    chart.legend.click_policy = "hide"
    chart.legend.label_text_color = INK
    chart.legend.background_fill_alpha = 0.0


def name_rows(chart: figure, names: dict[float, str]) -> None:
    """Label the y axis at these positions, as plain text: a label may look like TeX."""
    chart.yaxis.ticker = FixedTicker(ticks=sorted(names))
    chart.yaxis.major_label_overrides = {
        row: PlainText(text=truncate_middle(name, MAX_ROW_NAME_BYTES))
        for row, name in names.items()
    }
    chart.yaxis.major_tick_line_color = None


def name_columns(chart: figure, names: dict[float, str]) -> None:
    """Label the x axis at these positions, as plain text."""
    chart.xaxis.ticker = FixedTicker(ticks=sorted(names))
    chart.xaxis.major_label_overrides = {
        column: PlainText(text=truncate_middle(name, MAX_ROW_NAME_BYTES))
        for column, name in names.items()
    }
    chart.xaxis.major_tick_line_color = None


def reference_line(location: float, dimension: Literal["width", "height"]) -> Span:
    """A dashed line across the figure, horizontal for "width", vertical for "height"."""
    return Span(
        location=location,
        dimension=dimension,
        line_color=FAINT,
        line_dash="dashed",
        line_width=1.2,
    )
