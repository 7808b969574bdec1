"""Each class has its own place, colour and marker."""

from __future__ import annotations

from job.report.class_series import (
    MAX_CLASSES,
    NO_LABEL,
    class_series,
    class_style,
    select_distant_points,
)
from job.report.report_data import Point


def _points(*labels: str | None) -> list[Point]:
    return [Point(f"s3a://b/{index}", label, 0.0, 0.0) for index, label in enumerate(labels)]


def test_classes_are_in_natural_order() -> None:
    series = class_series(_points("Apple 10", "pear", None, "Apple 9", "Apple 9"))
    assert [entry.name for entry in series] == ["Apple 9", "Apple 10", "pear", NO_LABEL]
    assert [len(entry.points) for entry in series] == [2, 1, 1, 1]


def test_131_classes_have_different_styles() -> None:
    assert len({class_style(index) for index in range(131)}) == 131


def test_eight_classes_differ_by_colour_alone() -> None:
    assert len({class_style(index).colour for index in range(8)}) == 8


def test_the_rarest_of_too_many_classes_share_one_series() -> None:
    labels = [f"class {number}" for number in range(MAX_CLASSES)] * 2
    series = class_series(_points(*labels, "rare", "rarer"))
    assert len(series) == MAX_CLASSES + 1
    assert series[-1].name == "2 rarer classes"
    assert {point.label for point in series[-1].points} == {"rare", "rarer"}


def test_the_typical_point_is_nearest_to_the_median_of_its_class() -> None:
    points = [Point(str(x), "a", float(x), 0.0, "jpeg") for x in (0, 4, 5, 6, 50)]
    assert class_series(points)[0].typical_point == points[2]


def test_a_class_without_thumbnails_has_no_typical_point() -> None:
    assert class_series(_points("a"))[0].typical_point is None


def test_distant_points_skip_near_neighbours() -> None:
    points = [Point(str(x), None, float(x), 0.0) for x in (0, 1, 100, 101, 50)]
    assert [point.x for point in select_distant_points(points, max_points=3)] == [0.0, 101.0, 50.0]
    assert [point.x for point in select_distant_points(points, max_points=9)] == [0.0, 101.0, 50.0]


def test_points_in_one_place_are_selected_once() -> None:
    assert len(select_distant_points(_points("a", "b", "c"), max_points=9)) == 1
