"""The classes section: images per class, and how balanced the classes are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from job.report.class_series import ClassSeries, label_text
from job.report.figures import class_counts
from job.report.page import Page, SectionContent
from job.report.plane_figure import data_uri
from job.report.report_data import ReportData
from job.runtime.formatting import count_text, percent_text, pluralize, truncate_middle

MAX_ROWS = 300
MAX_NAME_BYTES = 200


@dataclass(frozen=True)
class ClassRow:
    """One class in the table; `index` is its series on the plane, None if it is not drawn."""

    name: str
    images: str
    share: str
    index: int | None
    picture: str = ""


def build(page: Page) -> SectionContent:
    """A bar chart and a table of images per class."""
    data = page.data
    rows = class_rows(data, page.series)
    variables = {"balance": balance_text(data), "rows": rows, "classes": len(data.classes)}
    figures = {"classes": class_counts(data.classes)} if len(rows) > 1 else {}
    return SectionContent(variables, figures)


def class_rows(data: ReportData, series: Sequence[ClassSeries]) -> list[ClassRow]:
    """The MAX_ROWS largest classes.

    Only a single class has its picture in its row. Otherwise the page copies the pictures from the
    class switches.
    """
    series_index = {entry.name: index for index, entry in enumerate(series)}
    total = sum(count.images for count in data.classes) or 1
    largest_first = sorted(data.classes, key=lambda count: -count.images)
    typical = series[0].typical_point if len(series) == 1 else None
    return [
        ClassRow(
            name=truncate_middle(label_text(count.label), MAX_NAME_BYTES),
            images=count_text(count.images),
            share=percent_text(count.images / total),
            index=series_index.get(label_text(count.label)),
            picture=data_uri(typical.thumbnail) if typical else "",
        )
        for count in largest_first[:MAX_ROWS]
    ]


def balance_text(data: ReportData) -> str:
    """How balanced the classes are, and what to do about it."""
    sizes = sorted(count.images for count in data.classes)
    if not data.class_count:
        return "This run took no labels from the paths (--label-level 0)."
    if len(sizes) < 2:
        return "There is only one class, so there is nothing to compare."
    smallest, median, largest = sizes[0], sizes[len(sizes) // 2], sizes[-1]
    if smallest == largest:
        size = pluralize(largest, "image")
        return f"The classes are balanced: all {len(sizes):,} have {size} each."
    return (
        f"The largest class has {pluralize(largest, 'image')}, the smallest {smallest:,}, the "
        f"median {median:,}: a ratio of {largest / max(smallest, 1):,.1f} to 1. A classifier "
        "trained on imbalanced classes tends to favour the large ones: weight the classes, or "
        "compare scores per class."
    )
