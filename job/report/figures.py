"""Bokeh figures of a run for the report and for notebooks: the variance curve, class counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, CrosshairTool, HoverTool, NumeralTickFormatter
from bokeh.models.annotations import Label
from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure

from job.report.class_series import label_text
from job.report.figure_style import (
    ACCENT,
    FAINT,
    MAX_LABEL_BYTES,
    MAX_NAMED_ROWS,
    TEXT_TOOLTIP,
    empty_figure,
    name_rows,
    reference_line,
)
from job.report.report_data import ClassCount
from job.runtime.formatting import exact_percent_text, percent_text, truncate_middle


def variance_curve(curve: Sequence[float], k: int, target: float | None) -> figure:
    """The cumulative explained variance of all components, with a mark at `k`.

    `curve` has ratios that sum to 1; `target` is the requested share that determined k, None if k
    was set directly.
    """
    cumulative = np.cumsum(np.asarray(curve, dtype=np.float64))
    chart = empty_figure(
        x_axis_label="components",
        y_axis_label="explained variance",
        x_range=(0, max(1.02 * len(cumulative), 1.5)),
        y_range=(0, 1.04),
        height=320,
    )
    chart.toolbar.autohide = True
    chart.yaxis.formatter = NumeralTickFormatter(format="0 %")
    chart.xaxis.formatter = NumeralTickFormatter(format="0,0")
    line = _draw_curve(chart, cumulative)
    chart.add_tools(
        HoverTool(
            renderers=[line],
            mode="vline",
            tooltips=TEXT_TOOLTIP.format("first <strong>@n{0,0}</strong>: @kept{0.0 %}"),
        )
    )
    if 1 <= k <= len(cumulative):
        _mark_k(chart, k, float(cumulative[k - 1]), len(cumulative), target)
    if target is not None:
        chart.add_layout(reference_line(target, "width"))
    return chart


def class_counts(classes: Sequence[ClassCount]) -> figure:
    """Images per class as horizontal bars, the largest on top; the axis names up to 40 classes."""
    ordered = sorted(classes, key=lambda count: -count.images)
    named = len(ordered) <= MAX_NAMED_ROWS
    rows = [-float(index) for index in range(len(ordered))]
    chart = empty_figure(
        x_axis_label="images",
        y_axis_label="" if named else f"{len(ordered):,} classes, the largest on top",
        x_range=(0, 1.05 * max((count.images for count in ordered), default=1)),
        y_range=(min(rows, default=0.0) - 0.6, 0.6),
        height=80 + 24 * max(len(ordered), 4) if named else 540,
    )
    bars = _draw_bars(chart, ordered, rows)
    chart.add_tools(
        HoverTool(
            renderers=[bars],
            mode="hline",
            tooltips=TEXT_TOOLTIP.format("<strong>@label</strong>: @images{0,0}"),
        )
    )
    chart.toolbar_location = None
    chart.xaxis.formatter = NumeralTickFormatter(format="0,0")
    chart.ygrid.grid_line_color = None
    names = {row: label_text(count.label) for row, count in zip(rows, ordered, strict=True)}
    name_rows(chart, names if named else {})
    return chart


def _draw_curve(chart: figure, cumulative: np.ndarray[Any, Any]) -> GlyphRenderer[Any]:
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


def _mark_k(chart: figure, k: int, kept: float, components: int, target: float | None) -> None:
    chart.add_layout(reference_line(k, "height"))
    chart.scatter([k], [kept], size=10, fill_color=ACCENT, line_color="white", line_width=2)
    on_left = k > components / 2
    request = "" if target is None else f"\n({exact_percent_text(target)} requested)"
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


def _draw_bars(
    chart: figure, ordered: Sequence[ClassCount], rows: Sequence[float]
) -> GlyphRenderer[Any]:
    source = ColumnDataSource(
        {
            "row": list(rows),
            "images": [count.images for count in ordered],
            "label": [
                truncate_middle(label_text(count.label), MAX_LABEL_BYTES) for count in ordered
            ],
        }
    )
    bars: GlyphRenderer[Any] = chart.hbar(
        y="row", right="images", height=0.7, source=source, fill_color=ACCENT, line_color=None
    )
    return bars
