"""The figure of a classifier: which classes it takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure

from job.analysis.classification.result import Result
from job.report.figure_style import (
    ACCENT,
    MOST_NAMED_ROWS,
    TEXT_TOOLTIP,
    empty_figure,
    name_columns,
    name_rows,
)

# As what is bad elsewhere on the page.
_WRONG = "#c2571f"


def confusion_matrix(result: Result) -> figure:
    """Actual classes down, predicted ones across; the colour is the share of the actual class.

    Only pairs that occur are drawn: right ones in one colour, wrong ones in another. Each of their
    classes is in `scores.classes`. Up to 40 classes are named on the axes.
    """
    labels = sorted({label for cell in result.confusion for label in cell[:2]})
    last = len(labels) - 0.5
    chart = empty_figure(
        x_axis_label="predicted",
        y_axis_label="actual",
        x_range=(-0.5, last),
        y_range=(-last, 0.5),
        height=min(160 + 24 * len(labels), 720),
    )
    cells = chart.rect(
        x="x",
        y="y",
        width=0.94,
        height=0.94,
        source=ColumnDataSource(_cells(result, labels)),
        fill_color="colour",
        fill_alpha="strength",
        line_color=None,
    )
    told = "<strong>@actual</strong> taken for <strong>@predicted</strong>: @images of @of images"
    chart.add_tools(HoverTool(renderers=[cells], tooltips=TEXT_TOOLTIP.format(told)))
    chart.grid.grid_line_color = None
    named = labels if len(labels) <= MOST_NAMED_ROWS else []
    name_rows(chart, {-float(index): label for index, label in enumerate(named)})
    name_columns(chart, {float(index): label for index, label in enumerate(named)})
    chart.xaxis.major_label_orientation = 0.9
    return chart


def _cells(result: Result, labels: Sequence[str]) -> dict[str, Any]:
    place = {label: index for index, label in enumerate(labels)}
    support = {each.label: each.support for each in result.scores.classes}
    rows = [
        (actual, predicted, n, max(support[actual], 1)) for actual, predicted, n in result.confusion
    ]
    return {
        "x": [place[predicted] for _, predicted, _, _ in rows],
        "y": [-place[actual] for actual, _, _, _ in rows],
        "actual": [actual for actual, _, _, _ in rows],
        "predicted": [predicted for _, predicted, _, _ in rows],
        "images": [n for _, _, n, _ in rows],
        "of": [whole for _, _, _, whole in rows],
        "colour": [ACCENT if actual == predicted else _WRONG for actual, predicted, _, _ in rows],
        # A single error among many images is still to be seen.
        "strength": [round(0.2 + 0.8 * n / whole, 3) for _, _, n, whole in rows],
    }
