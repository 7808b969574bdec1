"""The section of the classes: how many images each has, and how even they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from job.report.class_series import ClassSeries, label_text
from job.report.figures import class_counts
from job.report.page import Page, Shown
from job.report.plane_figure import data_uri
from job.report.report_data import ReportData
from job.runtime.formatting import count_text, counted, percent_text, shortened

MOST_ROWS = 300
MOST_NAME_BYTES = 200


@dataclass(frozen=True)
class ClassRow:
    """One class in the table; `index` is its place in the series, None if it is not drawn."""

    name: str
    images: str
    share: str
    index: int | None
    picture: str = ""


def show(page: Page) -> Shown:
    """Bars and a table of images per class."""
    data = page.data
    rows = class_rows(data, page.series)
    words = {"balance": balance(data), "rows": rows, "classes": len(data.classes)}
    bars = {"classes": class_counts(data.classes)} if len(rows) > 1 else {}
    return Shown(words, bars)


def class_rows(data: ReportData, series: Sequence[ClassSeries]) -> list[ClassRow]:
    """The largest classes, at most MOST_ROWS; a class alone has its picture here.

    Of more classes each has a picture in its switch, from where the page takes it.
    """
    index_of = {each.name: index for index, each in enumerate(series)}
    total = sum(each.images for each in data.classes) or 1
    ordered = sorted(data.classes, key=lambda each: -each.images)
    typical = series[0].typical if len(series) == 1 else None
    return [
        ClassRow(
            name=shortened(label_text(each.label), MOST_NAME_BYTES),
            images=count_text(each.images),
            share=percent_text(each.images / total),
            index=index_of.get(label_text(each.label)),
            picture=data_uri(typical.thumbnail) if typical else "",
        )
        for each in ordered[:MOST_ROWS]
    ]


def balance(data: ReportData) -> str:
    """How even the classes are, and what to do about it."""
    sizes = sorted(each.images for each in data.classes)
    if not data.class_count:
        return "This run took no labels from the paths (--label-level 0)."
    if len(sizes) < 2:
        return "There is one class only, so nothing to compare."
    smallest, middle, largest = sizes[0], sizes[len(sizes) // 2], sizes[-1]
    if smallest == largest:
        each = counted(largest, "image")
        return f"All {len(sizes):,} classes have {each} each: none outweighs another."
    return (
        f"The largest class has {counted(largest, 'image')}, the smallest {smallest:,}, the "
        f"middle one {middle:,}: a ratio of {largest / max(smallest, 1):,.1f} to 1. A classifier "
        "trained on uneven classes tends to favour the large ones: weigh them, or compare scores "
        "per class."
    )
