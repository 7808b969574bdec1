"""The section of the PCA planes: the sampled images, and the switches of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from job.report.class_series import ClassSeries, label_text
from job.report.page import Page, Shown, input_root
from job.report.plane_figure import HEIGHTS, PLANES, pca_planes
from job.report.report_data import ReportData
from job.runtime.formatting import count_text, counted, percent_text, shortened

MOST_NAME_BYTES = 200


@dataclass(frozen=True)
class Chip:
    """The switch of one class on the planes; `row` of their data has its picture, None for none."""

    index: int
    name: str
    images: str
    colour: str
    marker: str
    hollow: bool
    row: int | None


@dataclass(frozen=True)
class Plane:
    """One plane on the page: the id of its figure, how it is read, its height in pixels."""

    figure_id: str
    reading: str
    height: int


def show(page: Page) -> Shown:
    """Planes of components 1 and 2 and, where they are kept, 3 and 4, with their switches."""
    data = page.data
    figures = pca_planes(
        page.points, data.variance_curve, path_root=input_root(data), series=page.series
    )
    planes = [
        Plane(f"plane-{number}", plane_share(data, *PLANES[number]), HEIGHTS[number])
        for number in range(len(figures))
    ]
    words = {
        "planes": planes,
        "points": len(page.points),
        "pictured": any(point.thumbnail for point in page.points),
        "k": data.k,
        "chips": chips(data, page.series),
        "sampling": sampling(data),
    }
    named = zip(planes, figures, strict=True)
    return Shown(words, {plane.figure_id: figure for plane, figure in named} if page.points else {})


def chips(data: ReportData, series: Sequence[ClassSeries]) -> list[Chip]:
    """One switch for each class on the planes, with its count in the whole output."""
    images = {label_text(each.label): each.images for each in data.classes}
    firsts = accumulate((len(each.points) for each in series), initial=0)
    return [
        Chip(
            index=index,
            name=shortened(each.name, MOST_NAME_BYTES),
            images=count_text(images.get(each.name, len(each.points))),
            colour=each.style.colour,
            marker=each.style.marker,
            hollow=each.style.hollow,
            row=first + each.points.index(each.typical) if each.typical else None,
        )
        for index, (each, first) in enumerate(zip(series, firsts, strict=False))
    ]


def plane_share(data: ReportData, first: int, second: int) -> str:
    """How much of the variance the plane of these two components shows."""
    shown = percent_text(sum(data.variance_curve[first - 1 : min(second, data.k)]))
    if data.k == first:
        return f"Component {first} holds {shown} of the variance"
    return f"Components {first} and {second} hold {shown} of the variance"


def sampling(data: ReportData) -> str:
    """How many of the images the planes show, and by which rule they were chosen."""
    if len(data.points) >= data.points_total:
        return f"All {counted(data.points_total, 'image')} are shown."
    return f"{len(data.points):,} of {data.points_total:,} images are shown: {data.sampling_rule}."
