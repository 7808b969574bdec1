"""The confusion matrix of a classifier as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure

from job.analysis.classification.result import ClassifierResult
from job.report.figure_style import (
    ACCENT,
    MAX_NAMED_ROWS,
    TEXT_TOOLTIP,
    empty_figure,
    name_columns,
    name_rows,
)

# Like the error colour of the style sheet.
_WRONG = "#c2571f"


def confusion_matrix(result: ClassifierResult) -> figure:
    """Rows are actual classes, columns predicted ones; the shade is the share of the actual class.

    Draws only pairs that occur: correct ones in one colour, errors in another. All of their classes
    must be in `scores.classes`. The axes name up to 40 classes.
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
    tooltip = (
        "<strong>@actual</strong> predicted as <strong>@predicted</strong>: @images of @of images"
    )
    chart.add_tools(HoverTool(renderers=[cells], tooltips=TEXT_TOOLTIP.format(tooltip)))
    chart.grid.grid_line_color = None
    named = labels if len(labels) <= MAX_NAMED_ROWS else []
    name_rows(chart, {-float(index): label for index, label in enumerate(named)})
    name_columns(chart, {float(index): label for index, label in enumerate(named)})
    chart.xaxis.major_label_orientation = 0.9
    return chart


def _cells(result: ClassifierResult, labels: Sequence[str]) -> dict[str, Any]:
    position = {label: index for index, label in enumerate(labels)}
    support = {score.label: score.support for score in result.scores.classes}
    rows = [
        (actual, predicted, n, max(support[actual], 1)) for actual, predicted, n in result.confusion
    ]
    return {
        "x": [position[predicted] for _, predicted, _, _ in rows],
        "y": [-position[actual] for actual, _, _, _ in rows],
        "actual": [actual for actual, _, _, _ in rows],
        "predicted": [predicted for _, predicted, _, _ in rows],
        "images": [n for _, _, n, _ in rows],
        "of": [total for _, _, _, total in rows],
        "colour": [ACCENT if actual == predicted else _WRONG for actual, predicted, _, _ in rows],
        # A single error among many images stays visible.
        "strength": [round(0.2 + 0.8 * n / total, 3) for _, _, n, total in rows],
    }
