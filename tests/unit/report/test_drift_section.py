"""The drift section: the compared runs, their findings, and the chart."""

from __future__ import annotations

import json
from typing import Any

from bokeh.models import ColumnDataSource, Span

from job.reduction.drift.detection import Drift, Measure
from job.report.drift_section import MAX_ROWS, MAX_RUNS, drift_chart, drift_variables, read
from job.report.report import render_report
from tests.unit.report.report_examples import Files, fruit_report


def drift_files(texts: dict[str, str]) -> Files:
    """The drift files of an output, by run id."""
    return Files({f"drift/{run_id}.json": text for run_id, text in texts.items()})


def run_drift(day: int, shift: float = 0.1, outside: float = 0.01) -> dict[str, Any]:
    """Drift of one day's 120 images, as data.json stores it."""
    return make_drift(day, shift, outside).brief()


def make_drift(day: int, shift: float = 0.1, outside: float = 0.01) -> Drift:
    """Drift of one day's 120 images."""
    return Drift(
        run_id=f"day-{day}",
        created=f"2026-01-{day:02d}T03:04:05+00:00",
        bundle="s3a://results/fruits/pca",
        fitted_by="day-1",
        images=120,
        mean_shift=Measure(shift + 0.2, shift, 0.5),
        reconstruction=Measure(1.05, 0.9, 1.5),
        outside=Measure(outside + 0.02, outside, 0.1),
        component=7,
        residual=1.3,
        expected_residual=1.2,
        shifts=[0.1],
        sampling_errors=[0.1],
    )


def test_the_page_shows_each_compared_run() -> None:
    html = render_report(
        fruit_report(sections={"drift": [run_drift(2), run_drift(3, outside=0.4)]})
    )

    assert "42.0 % of 120 images lie outside the fitted region" in html
    assert html.index("day-3<br>") < html.index("day-2<br>")
    assert "2026-01-03 03:04:05 UTC" in html
    assert "0.30 (component 7)" in html
    assert 'data-figure="drift"' in html


def test_without_compared_runs_there_is_no_section() -> None:
    assert 'data-figure="drift"' not in render_report(fruit_report())
    assert read(Files()) is None


def test_a_last_run_without_findings_is_similar_to_the_fit() -> None:
    variables = drift_variables([run_drift(2, outside=0.4), run_drift(3)])

    assert variables["summary"] == (
        "The last compared run had 120 new images, similar to those of the fit."
    )
    assert [row["findings"][:6] for row in variables["rows"]] == ["–", "42.0 %"]


def test_the_table_has_only_the_last_runs() -> None:
    rows = drift_variables([run_drift(1 + day % 28) for day in range(50)])["rows"]

    assert len(rows) == MAX_ROWS


def test_the_chart_shows_multiples_of_the_threshold() -> None:
    chart = drift_chart([run_drift(2), run_drift(3, shift=1.0)])

    sources = {
        tuple(source.data["times"]): source.data["run"] for source in chart.select(ColumnDataSource)
    }
    assert (0.2, 2.0) in sources
    assert set(map(tuple, sources.values())) == {("day-2", "day-3")}
    (threshold,) = chart.select(Span)
    assert threshold.location == 1
    assert [item.label.value for item in chart.legend[0].items] == [
        "mean shift",
        "reconstruction",
        "outside the region",
    ]


def test_drift_files_are_read_oldest_first() -> None:
    late, early = make_drift(5), make_drift(2)
    texts = {"a": late.to_json(), "b": early.to_json(), "c": "{", "d": "[]"}

    assert read(drift_files(texts)) == [early.brief(), late.brief()]


def test_only_the_last_runs_are_read() -> None:
    texts = {f"{n:04d}": make_drift(1 + n % 28).to_json() for n in range(MAX_RUNS + 9)}
    runs = read(drift_files(texts))

    assert runs is not None
    assert len(runs) == MAX_RUNS
    # A section may add 200 kB to report/data.json.
    assert len(json.dumps(runs)) < 200_000
