"""report/data.json preserves the report's data."""

from __future__ import annotations

import json

import pytest

from job.errors import InvalidValueError
from job.report.report_data import FORMAT_VERSION, Point, ReportData
from tests.unit.report.report_examples import fruit_report


def test_data_json_preserves_the_data() -> None:
    stored = fruit_report()
    assert ReportData.from_json(stored.to_json()) == stored


def test_rows_are_read_as_named_tuples() -> None:
    read = ReportData.from_json(fruit_report().to_json())
    assert read.points[1] == Point("s3a://fruits/train/Apple/2.jpg", "Apple", 0.5, 1.5, None)
    assert read.classes[0].images == 1000
    assert read.quarantine[0].reason == "truncated"


def test_unusual_names_are_preserved() -> None:
    path = 's3a://b/% "quoted"/été/苹果\n.jpg'
    read = ReportData.from_json(fruit_report(points=[Point(path, None, 1.0)]).to_json())
    assert read.points == [Point(path, None, 1.0, None, None)]


def test_totals_count_more_than_the_sample() -> None:
    report = fruit_report()
    assert len(report.quarantine) == 1
    assert report.quarantine_total == 4
    assert report.variance_kept == pytest.approx(0.8)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        json.dumps({"format_version": FORMAT_VERSION}),
        json.dumps({"format_version": FORMAT_VERSION + 1}),
    ],
)
def test_another_file_is_rejected(text: str) -> None:
    with pytest.raises(InvalidValueError, match=r"data\.json cannot be read.*fix: run"):
        ReportData.from_json(text)


def test_data_of_a_version_without_further_components_is_readable() -> None:
    """The next run keeps its thumbnails."""
    values = json.loads(fruit_report().to_json())
    del values["storage_bytes"], values["sections"]
    values["points"] = [row[:5] for row in values["points"]]
    values["quarantine"] = [row[:3] for row in values["quarantine"]]
    assert ReportData.from_json(json.dumps(values)) == fruit_report()
