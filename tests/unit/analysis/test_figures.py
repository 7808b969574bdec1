"""The figures show the data they were given."""

from __future__ import annotations

from typing import Any

import pytest
from bokeh.models import HoverTool, PlainText
from bokeh.models.annotations import Label, Legend
from bokeh.plotting import figure

from job.analysis.figures import class_counts, pca_plane, variance_curve
from job.analysis.report_data import ClassCount, Point
from tests.unit.analysis.report_examples import fruit_report


def _tagged(plane: figure, kind: str) -> list[Any]:
    return [each for each in plane.renderers if each.tags[:1] == [kind]]


def _columns(plane: figure) -> dict[str, Any]:
    (hovered,) = _tagged(plane, "hover")
    return dict(hovered.data_source.data)


def test_each_class_of_the_plane_has_its_points() -> None:
    plane = pca_plane(fruit_report().points)
    apple, plum = _tagged(plane, "class")
    assert (apple.name, plum.name) == ("Apple", "Plum")
    assert apple.view.filter.indices == [0, 1]
    assert plum.view.filter.indices == [2]
    assert _columns(plane)["x"].tolist() == [0.0, 0.5, -2.0]
    assert _columns(plane)["y"].tolist() == [1.0, 1.5, -1.0]


def test_hovering_tells_label_path_and_picture() -> None:
    plane = pca_plane(fruit_report().points, path_root="s3a://fruits/train/")
    columns = _columns(plane)
    assert columns["path"] == ["Apple/1.jpg", "Apple/2.jpg", "Plum/1.jpg"]
    assert columns["label"] == ["Apple", "Apple", "Plum"]
    assert columns["shown"] == ["block", "none", "block"]
    assert columns["picture"][0].startswith("data:image/jpeg;base64,/9j/")
    assert columns["picture"][1] == ""
    (hover,) = plane.select(HoverTool)
    assert hover.renderers == _tagged(plane, "hover")


def test_axes_say_how_much_variance_they_show() -> None:
    plane = pca_plane(fruit_report().points, [0.234, 0.1])
    assert plane.xaxis[0].axis_label == "PC 1 (23.4 %)"
    assert plane.yaxis[0].axis_label == "PC 2 (10.0 %)"


def test_one_component_becomes_a_strip_with_a_row_for_each_class() -> None:
    points = [Point("a", "Apple", 1.0), Point("b", "Plum", 2.0)]
    plane = pca_plane(points, [1.0])
    apple, plum = _columns(plane)["y"]
    assert -0.3 <= apple <= 0.3
    assert -1.3 <= plum <= -0.7
    names = {row: text.text for row, text in plane.yaxis[0].major_label_overrides.items()}
    assert names == {0: "Apple", -1: "Plum"}


def test_a_legend_is_there_for_notebooks_and_not_for_the_report() -> None:
    points = fruit_report().points
    (legend,) = pca_plane(points).select(Legend)
    assert legend.click_policy == "hide"
    assert [item.label.value for item in legend.items] == ["Apple", "Plum"]
    assert not list(pca_plane(points, legend=False).select(Legend))


def test_pictures_on_the_plane_belong_to_their_class() -> None:
    plane = pca_plane(fruit_report().points)
    assert {each.tags[1] for each in _tagged(plane, "picture")} == {0, 1}


def test_no_point_and_no_label_are_no_failure() -> None:
    assert _columns(pca_plane([]))["x"].tolist() == []
    assert _columns(pca_plane([Point("a", None, 1.0, 2.0)]))["label"] == ["no label"]


def test_the_curve_is_cumulative_and_k_is_marked() -> None:
    chart = variance_curve([0.5, 0.3, 0.15, 0.05], k=2, asked=0.75)
    kept = chart.renderers[1].data_source.data["kept"]
    assert kept.tolist() == pytest.approx([0.5, 0.8, 0.95, 1.0])
    (label,) = chart.select(Label)
    assert (label.x, label.y) == (2, pytest.approx(0.8))
    assert label.text == "k = 2  ·  80.0 %\n(75 % asked)"


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
