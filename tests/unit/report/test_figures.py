"""The figures show their data."""

from __future__ import annotations

import pytest
from bokeh.models import PlainText
from bokeh.models.annotations import Label

from job.report.figures import class_counts, variance_curve
from job.report.report_data import ClassCount


def test_the_curve_is_cumulative_and_k_is_marked() -> None:
    chart = variance_curve([0.5, 0.3, 0.15, 0.05], k=2, target=0.75)
    kept = chart.renderers[1].data_source.data["kept"]
    assert kept.tolist() == pytest.approx([0.5, 0.8, 0.95, 1.0])
    (label,) = chart.select(Label)
    assert (label.x, label.y) == (2, pytest.approx(0.8))
    assert label.text == "k = 2  ·  80.0 %\n(75 % requested)"


def test_bars_are_sorted_and_named_as_plain_text() -> None:
    chart = class_counts([ClassCount("few", 3), ClassCount("$$x$$", 1000), ClassCount(None, 20)])
    assert chart.renderers[0].data_source.data["images"] == [1000, 20, 3]
    names = chart.yaxis[0].major_label_overrides
    assert all(isinstance(name, PlainText) for name in names.values())
    assert [names[row].text for row in (0, -1, -2)] == ["$$x$$", "no label", "few"]


def test_many_bars_fit_without_names() -> None:
    chart = class_counts([ClassCount(str(number), number) for number in range(131)])
    assert chart.height <= 600
    assert chart.yaxis[0].axis_label == "131 classes, the largest on top"
    assert not chart.yaxis[0].major_label_overrides
