"""The planes show each image at its coordinates, in the style of its class."""

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
    return [renderer for renderer in plane.renderers if renderer.tags[:1] == [kind]]


def _columns(plane: figure) -> dict[str, Any]:
    (hovered,) = _tagged(plane, "hover")
    return dict(hovered.data_source.data)


def test_each_class_has_its_points() -> None:
    plane = pca_plane(fruit_report().points)
    apple, plum = _tagged(plane, "class")
    assert (apple.name, plum.name) == ("Apple", "Plum")
    assert apple.view.filter.indices == [0, 1]
    assert plum.view.filter.indices == [2]
    assert _columns(plane)["pc1"].tolist() == [0.0, 0.5, -2.0]
    assert _columns(plane)["pc2"].tolist() == [1.0, 1.5, -1.0]


def test_hovering_shows_label_path_and_picture() -> None:
    plane = pca_plane(fruit_report().points, path_root="s3a://fruits/train/")
    columns = _columns(plane)
    assert columns["path"] == ["Apple/1.jpg", "Apple/2.jpg", "Plum/1.jpg"]
    assert columns["label"] == ["Apple", "Apple", "Plum"]
    assert columns["shown"] == ["block", "none", "block"]
    assert columns["picture"][0].startswith("data:image/jpeg;base64,/9j/")
    assert columns["picture"][1] == ""
    (hover,) = plane.select(HoverTool)
    assert hover.renderers == _tagged(plane, "hover")


def test_axis_labels_have_the_explained_variance() -> None:
    plane = pca_plane(fruit_report().points, [0.234, 0.1])
    assert plane.xaxis[0].axis_label == "PC 1 (23.4 %)"
    assert plane.yaxis[0].axis_label == "PC 2 (10.0 %)"


def test_one_component_is_drawn_as_a_strip_with_a_row_per_class() -> None:
    points = [Point("a", "Apple", 1.0), Point("b", "Plum", 2.0)]
    plane = pca_plane(points, [1.0])
    apple, plum = _columns(plane)["pc2"]
    assert -0.3 <= apple <= 0.3
    assert -1.3 <= plum <= -0.7
    names = {row: text.text for row, text in plane.yaxis[0].major_label_overrides.items()}
    assert names == {0: "Apple", -1: "Plum"}


def test_the_legend_is_optional() -> None:
    points = fruit_report().points
    (legend,) = pca_plane(points).select(Legend)
    assert legend.click_policy == "hide"
    assert [item.label.value for item in legend.items] == ["Apple", "Plum"]
    assert not list(pca_plane(points, legend=False).select(Legend))


def test_pictures_on_the_plane_belong_to_their_class() -> None:
    plane = pca_plane(fruit_report().points)
    assert {renderer.tags[1] for renderer in _tagged(plane, "picture")} == {0, 1}


def test_a_plane_can_be_empty_or_unlabelled() -> None:
    assert _columns(pca_plane([]))["pc1"].tolist() == []
    assert _columns(pca_plane([Point("a", None, 1.0, 2.0)]))["label"] == ["no label"]


def _points_with_four_components(*labels: str) -> list[Point]:
    """Points with components 1 to 4, all different."""
    return [
        Point(f"s3a://b/{index}", label, index, -index, None, 10.0 * index, 100.0 * index)
        for index, label in enumerate(labels)
    ]


def test_the_second_plane_shows_the_next_two_components() -> None:
    first, second = pca_planes(_points_with_four_components("Apple", "Plum"), [0.4, 0.3, 0.2, 0.1])
    assert first.xaxis[0].axis_label == "PC 1 (40.0 %)"
    assert second.xaxis[0].axis_label == "PC 3 (20.0 %)"
    assert second.yaxis[0].axis_label == "PC 4 (10.0 %)"
    (hovered,) = _tagged(second, "hover")
    assert (hovered.glyph.x, hovered.glyph.y) == ("pc3", "pc4")
    assert _columns(second)["pc3"].tolist() == [0.0, 10.0]
    assert _columns(second)["pc4"].tolist() == [0.0, 100.0]


def test_planes_share_data_views_and_selections() -> None:
    first, second = pca_planes(_points_with_four_components("Apple", "Plum"))
    renderers = [_tagged(plane, "class") for plane in (first, second)]
    assert len({renderer.data_source.id for pair in renderers for renderer in pair}) == 1
    views = [[renderer.view for renderer in pair] for pair in renderers]
    assert views[0] == views[1]
    for plane in (first, second):
        (box,) = plane.select(BoxSelectTool)
        assert box.renderers == _tagged(plane, "hover")


def test_two_or_three_components_have_one_plane() -> None:
    three = [point._replace(fourth=None) for point in _points_with_four_components("Apple", "Plum")]
    assert len(pca_planes(three)) == 1
    assert len(pca_planes(fruit_report().points)) == 1


def test_any_two_of_the_first_four_components_can_be_drawn() -> None:
    plane = pca_plane(_points_with_four_components("Apple", "Plum"), components=(1, 3))
    (hovered,) = _tagged(plane, "hover")
    assert (hovered.glyph.x, hovered.glyph.y) == ("pc1", "pc3")
    with pytest.raises(ValueError, match="no components 3 and 4"):
        pca_plane(fruit_report().points, components=(3, 4))
