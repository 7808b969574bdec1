"""The drift section: how the new images of each run differ from those of the fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from bokeh.models import ColumnDataSource, DataRange1d, HoverTool, NumeralTickFormatter
from bokeh.plotting import figure

from job.reduction.drift.detection import Drift
from job.report.figure_style import (
    ACCENT,
    INK,
    TEXT_TOOLTIP,
    empty_figure,
    place_legend,
    reference_line,
)
from job.report.page import OutputFiles, Page, SectionContent
from job.runtime.formatting import count_text, percent_text, pluralize

# The last ones by name: generated run ids start with the time.
MAX_RUNS = 100
MAX_ROWS = 30

# Key in drift/<run id>.json, name, colour, marker and dash; marker and dash differ for readers who
# cannot distinguish the colours.
_MEASURES = (
    ("mean_shift", "mean shift", ACCENT, "circle", "solid"),
    ("reconstruction", "reconstruction", "#b3441e", "square", "dashed"),
    ("outside", "outside the region", INK, "triangle", "dotted"),
)

Runs = Sequence[Mapping[str, Any]]


def read(files: OutputFiles) -> Runs | None:
    """`Drift.brief` of the last MAX_RUNS runs, oldest first; None without any."""
    runs = []
    for name in files.list_names("drift")[-MAX_RUNS:]:
        # Skips files of other programs.
        with suppress(ValueError):
            runs.append(Drift.from_json(files.read(f"drift/{name}").decode()).brief())
    return sorted(runs, key=lambda run: run["created"]) or None


def build(page: Page) -> SectionContent | None:
    """A chart and a table of the runs; None if no run was compared with its fit."""
    runs: Runs = page.data.sections.get("drift") or []
    return SectionContent(drift_variables(runs), {"drift": drift_chart(runs)}) if runs else None


def drift_variables(runs: Runs) -> dict[str, Any]:
    """The template's variables for `runs`, oldest first."""
    return {"summary": _summary_text(runs), "rows": [_row(run) for run in runs[::-1][:MAX_ROWS]]}


def drift_chart(runs: Runs) -> figure:
    """Each measure over the runs, less its sampling error, as a multiple of its threshold."""
    chart = empty_figure(
        x_axis_type="datetime",
        y_axis_label="times its threshold",
        x_axis_label="",
        y_range=DataRange1d(start=0),
        height=300,
    )
    times = [datetime.fromisoformat(run["created"]) for run in runs]
    for key, name, colour, marker, dash in _MEASURES:
        _draw_measure(chart, _source(runs, times, key), name, colour, marker, dash)
    chart.add_layout(reference_line(1.0, "width"))
    chart.yaxis.formatter = NumeralTickFormatter(format="0.[00]")
    place_legend(chart, "top_left")
    return chart


def _source(runs: Runs, times: Sequence[datetime], key: str) -> ColumnDataSource:
    return ColumnDataSource(
        {
            "time": list(times),
            "times": [run[key]["certain"] / run[key]["threshold"] for run in runs],
            "run": [run["run_id"] for run in runs],
            "images": [run["images"] for run in runs],
        }
    )


def _draw_measure(
    chart: figure, source: ColumnDataSource, name: str, colour: str, marker: str, dash: str
) -> None:
    chart.line(
        "time",
        "times",
        source=source,
        legend_label=name,
        color=colour,
        line_dash=dash,
        line_width=2,
    )
    marks = chart.scatter(
        "time", "times", source=source, legend_label=name, color=colour, marker=marker, size=8
    )
    tooltip = (
        f"<strong>@run</strong><br>{name}: @times{{0.00}} × threshold<br>@images{{0,0}} images"
    )
    chart.add_tools(HoverTool(renderers=[marks], tooltips=TEXT_TOOLTIP.format(tooltip)))


def _summary_text(runs: Runs) -> str:
    """The last run in a sentence."""
    last = runs[-1]
    images = pluralize(last["images"], "new image")
    if not last["findings"]:
        return f"The last compared run had {images}, similar to those of the fit."
    return f"The last compared run had {images}: {'; '.join(last['findings'])}."


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    shift, reconstruction, outside = (run[key] for key, *_ in _MEASURES)
    return {
        "run": run["run_id"],
        "created": run["created"].replace("T", " ").replace("+00:00", " UTC"),
        "images": count_text(run["images"]),
        "shift": f"{shift['value']:.2f} (component {run['component']})",
        "reconstruction": f"{reconstruction['value']:.2f} ×",
        "outside": percent_text(outside["value"]),
        "findings": "; ".join(run["findings"]) or "–",
    }
