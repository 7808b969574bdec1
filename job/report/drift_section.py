"""The section of drift: what each run's new images were like beside those of the fit."""

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
from job.report.page import OutputFiles, Page, Shown
from job.runtime.formatting import count_text, counted, percent_text

# The last by name: run ids begin with the time, unless they were given.
MOST_RUNS = 100
MOST_ROWS = 30

# Key in drift/<run id>.json, name, colour, marker, dash: told apart without colour too.
_MEASURES = (
    ("mean_shift", "mean shift", ACCENT, "circle", "solid"),
    ("reconstruction", "reconstruction", "#b3441e", "square", "dashed"),
    ("outside", "outside the region", INK, "triangle", "dotted"),
)

Runs = Sequence[Mapping[str, Any]]


def read(files: OutputFiles) -> Runs | None:
    """What the last runs have found, the earliest first, as `Drift.brief` gives it."""
    found = []
    for name in files.names("drift")[-MOST_RUNS:]:
        # A file of somebody else is passed over.
        with suppress(ValueError):
            found.append(Drift.from_json(files.read(f"drift/{name}").decode()).brief())
    return sorted(found, key=lambda run: run["created"]) or None


def show(page: Page) -> Shown | None:
    """A chart and a table of the runs; nothing where none was compared with its fit."""
    runs: Runs = page.data.sections.get("drift") or []
    return Shown(drift_words(runs), {"drift": drift_chart(runs)}) if runs else None


def drift_words(runs: Runs) -> dict[str, Any]:
    """What the section says of runs, the earliest first."""
    return {"reading": _reading(runs), "rows": [_row(run) for run in runs[::-1][:MOST_ROWS]]}


def drift_chart(runs: Runs) -> figure:
    """Each measure over the runs, without its sampling error, as a multiple of its threshold."""
    chart = empty_figure(
        x_axis_type="datetime",
        y_axis_label="times its threshold",
        x_axis_label="",
        y_range=DataRange1d(start=0),
        height=300,
    )
    times = [datetime.fromisoformat(run["created"]) for run in runs]
    for key, name, colour, marker, dash in _MEASURES:
        _draw(chart, _source(runs, times, key), name, colour, marker, dash)
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


def _draw(
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
    said = f"<strong>@run</strong><br>{name}: @times{{0.00}} × threshold<br>@images{{0,0}} images"
    chart.add_tools(HoverTool(renderers=[marks], tooltips=TEXT_TOOLTIP.format(said)))


def _reading(runs: Runs) -> str:
    """The last run in a sentence."""
    last = runs[-1]
    images = counted(last["images"], "new image")
    if not last["findings"]:
        return f"The {images} of the last run that was compared are like those of the fit."
    return f"The last run that was compared brought {images}: {'; '.join(last['findings'])}."


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    shift, missed, outside = (run[key] for key, *_ in _MEASURES)
    return {
        "run": run["run_id"],
        "created": run["created"].replace("T", " ").replace("+00:00", " UTC"),
        "images": count_text(run["images"]),
        "shift": f"{shift['value']:.2f} (component {run['component']})",
        "missed": f"{missed['value']:.2f} ×",
        "outside": percent_text(outside["value"]),
        "found": "; ".join(run["findings"]) or "–",
    }
