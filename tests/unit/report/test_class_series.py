"""Each class has a place, a colour and a marker of its own."""

from __future__ import annotations

from job.report.class_series import (
    MOST_CLASSES,
    NO_LABEL,
    class_series,
    spread,
    style_of,
)
from job.report.report_data import Point


def _points(*labels: str | None) -> list[Point]:
    return [Point(f"s3a://b/{index}", label, 0.0, 0.0) for index, label in enumerate(labels)]


def test_classes_are_in_the_order_a_person_would_put_them() -> None:
    series = class_series(_points("Apple 10", "pear", None, "Apple 9", "Apple 9"))
    assert [each.name for each in series] == ["Apple 9", "Apple 10", "pear", NO_LABEL]
    assert [len(each.points) for each in series] == [2, 1, 1, 1]


def test_131_classes_look_different_from_each_other() -> None:
    assert len({style_of(index) for index in range(131)}) == 131


def test_eight_classes_differ_by_colour_alone() -> None:
    assert len({style_of(index).colour for index in range(8)}) == 8


def test_too_many_classes_share_one_series_of_the_rarest() -> None:
    labels = [f"class {number}" for number in range(MOST_CLASSES)] * 2
    series = class_series(_points(*labels, "rare", "rarer"))
    assert len(series) == MOST_CLASSES + 1
    assert series[-1].name == "2 rarer classes"
    assert {point.label for point in series[-1].points} == {"rare", "rarer"}


def test_the_typical_picture_is_the_one_in_the_middle_of_its_class() -> None:
    points = [Point(str(x), "a", float(x), 0.0, "jpeg") for x in (0, 4, 5, 6, 50)]
    assert class_series(points)[0].typical == points[2]


def test_a_class_without_pictures_has_no_typical_one() -> None:
    assert class_series(_points("a"))[0].typical is None


def test_spread_points_leave_out_near_neighbours() -> None:
    points = [Point(str(x), None, float(x), 0.0) for x in (0, 1, 100, 101, 50)]
    assert [point.x for point in spread(points, most=3)] == [0.0, 101.0, 50.0]
    assert [point.x for point in spread(points, most=9)] == [0.0, 101.0, 50.0]


def test_points_in_one_place_are_shown_once() -> None:
    assert len(spread(_points("a", "b", "c"), most=9)) == 1
