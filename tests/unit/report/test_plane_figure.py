"""The planes show each image where it is, in the look of its class."""

from __future__ import annotations

from typing import Any

import pytest
from bokeh.models import BoxSelectTool, HoverTool
from bokeh.models.annotations import Legend
from bokeh.plotting import figure

from job.report.plane_figure import pca_plane, pca_planes
from job.report.report_data import Point
from tests.unit.report.report_examples import fruit_report


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
    assert _columns(plane)["pc1"].tolist() == [0.0, 0.5, -2.0]
    assert _columns(plane)["pc2"].tolist() == [1.0, 1.5, -1.0]


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
    apple, plum = _columns(plane)["pc2"]
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
    assert _columns(pca_plane([]))["pc1"].tolist() == []
    assert _columns(pca_plane([Point("a", None, 1.0, 2.0)]))["label"] == ["no label"]


def _four(*labels: str) -> list[Point]:
    """Points with components 1 to 4, all different."""
    return [
        Point(f"s3a://b/{index}", label, index, -index, None, 10.0 * index, 100.0 * index)
        for index, label in enumerate(labels)
    ]


def test_the_second_plane_shows_the_next_two_components() -> None:
    first, second = pca_planes(_four("Apple", "Plum"), [0.4, 0.3, 0.2, 0.1])
    assert first.xaxis[0].axis_label == "PC 1 (40.0 %)"
    assert second.xaxis[0].axis_label == "PC 3 (20.0 %)"
    assert second.yaxis[0].axis_label == "PC 4 (10.0 %)"
    (hovered,) = _tagged(second, "hover")
    assert (hovered.glyph.x, hovered.glyph.y) == ("pc3", "pc4")
    assert _columns(second)["pc3"].tolist() == [0.0, 10.0]
    assert _columns(second)["pc4"].tolist() == [0.0, 100.0]


def test_planes_share_data_and_views_so_that_marks_and_switches_hold_for_both() -> None:
    first, second = pca_planes(_four("Apple", "Plum"))
    drawn = [each for plane in (first, second) for each in _tagged(plane, "class")]
    assert len({each.data_source.id for each in drawn}) == 1
    views = [[each.view for each in _tagged(plane, "class")] for plane in (first, second)]
    assert views[0] == views[1]
    for plane in (first, second):
        (box,) = plane.select(BoxSelectTool)
        assert box.renderers == _tagged(plane, "hover")


def test_two_or_three_components_have_one_plane() -> None:
    three = [point._replace(fourth=None) for point in _four("Apple", "Plum")]
    assert len(pca_planes(three)) == 1
    assert len(pca_planes(fruit_report().points)) == 1


def test_a_notebook_may_ask_for_any_two_of_the_first_four() -> None:
    plane = pca_plane(_four("Apple", "Plum"), components=(1, 3))
    (hovered,) = _tagged(plane, "hover")
    assert (hovered.glyph.x, hovered.glyph.y) == ("pc1", "pc3")
    with pytest.raises(ValueError, match="no components 3 and 4"):
        pca_plane(fruit_report().points, components=(3, 4))
