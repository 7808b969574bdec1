"""The report's section of drift: each compared run, what was found, the chart over runs."""

from __future__ import annotations

import json
from typing import Any

from bokeh.models import ColumnDataSource, Span

from job.reduction.drift.detection import Drift, Measure
from job.report.drift_section import MOST_ROWS, MOST_RUNS, drift_chart, drift_words, read
from job.report.report import render_report
from tests.unit.report.report_examples import Files, fruit_report


def files_of(kept: dict[str, str]) -> Files:
    """An output whose runs of these ids have kept this."""
    return Files({f"drift/{run_id}.json": text for run_id, text in kept.items()})


def run_drift(day: int, shift: float = 0.1, outside: float = 0.01) -> dict[str, Any]:
    """Drift of one day's 120 images, as the report's data has it."""
    return drift_of(day, shift, outside).brief()


def drift_of(day: int, shift: float = 0.1, outside: float = 0.01) -> Drift:
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


def test_the_page_tells_of_each_compared_run() -> None:
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


def test_a_last_run_without_findings_is_said_to_be_alike() -> None:
    words = drift_words([run_drift(2, outside=0.4), run_drift(3)])

    assert words["reading"] == (
        "The 120 new images of the last run that was compared are like those of the fit."
    )
    assert [row["found"][:6] for row in words["rows"]] == ["–", "42.0 %"]


def test_the_table_has_the_last_runs_only() -> None:
    rows = drift_words([run_drift(1 + day % 28) for day in range(50)])["rows"]

    assert len(rows) == MOST_ROWS


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


def test_what_runs_have_kept_is_read_the_earliest_first() -> None:
    late, early = drift_of(5), drift_of(2)
    kept = {"a": late.to_json(), "b": early.to_json(), "c": "{", "d": "[]"}

    assert read(files_of(kept)) == [early.brief(), late.brief()]


def test_the_last_runs_are_read_only() -> None:
    kept = {f"{n:04d}": drift_of(1 + n % 28).to_json() for n in range(MOST_RUNS + 9)}
    runs = read(files_of(kept))

    assert runs is not None
    assert len(runs) == MOST_RUNS
    # What a section may take of report/data.json.
    assert len(json.dumps(runs)) < 200_000
