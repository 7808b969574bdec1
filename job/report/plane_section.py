"""The plane section: the sampled images on PCA planes, and the switches of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from job.report.class_series import ClassSeries, label_text
from job.report.page import Page, SectionContent, input_root
from job.report.plane_figure import HEIGHTS, PLANES, pca_planes
from job.report.report_data import ReportData
from job.runtime.formatting import count_text, percent_text, pluralize, truncate_middle

MAX_NAME_BYTES = 200


@dataclass(frozen=True)
class Chip:
    """The switch of one class; `row` is the plane's data row with its picture, None without one."""

    index: int
    name: str
    images: str
    colour: str
    marker: str
    hollow: bool
    row: int | None


@dataclass(frozen=True)
class Plane:
    """One plane on the page: its figure's id, a caption, and its height in pixels."""

    figure_id: str
    caption: str
    height: int


def build(page: Page) -> SectionContent:
    """The planes of components 1 and 2 and, if kept, 3 and 4, with the class switches."""
    data = page.data
    figures = pca_planes(
        page.points, data.variance_curve, path_root=input_root(data), series=page.series
    )
    planes = [
        Plane(f"plane-{number}", plane_caption(data, *PLANES[number]), HEIGHTS[number])
        for number in range(len(figures))
    ]
    variables = {
        "planes": planes,
        "points": len(page.points),
        "has_thumbnails": any(point.thumbnail for point in page.points),
        "k": data.k,
        "chips": chips(data, page.series),
        "sampling": sampling_text(data),
    }
    figures_by_id = {plane.figure_id: figure for plane, figure in zip(planes, figures, strict=True)}
    return SectionContent(variables, figures_by_id if page.points else {})


def chips(data: ReportData, series: Sequence[ClassSeries]) -> list[Chip]:
    """One switch per class, with its number of images in the whole output."""
    images = {label_text(count.label): count.images for count in data.classes}
    first_rows = accumulate((len(entry.points) for entry in series), initial=0)
    return [
        Chip(
            index=index,
            name=truncate_middle(entry.name, MAX_NAME_BYTES),
            images=count_text(images.get(entry.name, len(entry.points))),
            colour=entry.style.colour,
            marker=entry.style.marker,
            hollow=entry.style.hollow,
            row=first + entry.points.index(entry.typical_point) if entry.typical_point else None,
        )
        for index, (entry, first) in enumerate(zip(series, first_rows, strict=False))
    ]


def plane_caption(data: ReportData, first: int, second: int) -> str:
    """The share of the variance that these two components explain."""
    share = percent_text(sum(data.variance_curve[first - 1 : min(second, data.k)]))
    if data.k == first:
        return f"Component {first} explains {share} of the variance"
    return f"Components {first} and {second} explain {share} of the variance"


def sampling_text(data: ReportData) -> str:
    """The number of images on the planes, and the rule that selected them."""
    if len(data.points) >= data.points_total:
        return f"All {pluralize(data.points_total, 'image')} are shown."
    return f"{len(data.points):,} of {data.points_total:,} images are shown: {data.sampling_rule}."
