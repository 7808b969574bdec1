"""The storage section: the sizes of features, projection and CSV, compared with the images."""

from __future__ import annotations

from dataclasses import dataclass

from job.report.page import Page, SectionContent
from job.report.report_data import ReportData
from job.runtime.formatting import bytes_text, percent_text

NAMES = {
    "images": "images",
    "features": "features table",
    "projection": "projection",
    "csv": "CSV of the projection",
}
NOTES = {
    "images": "the featurized images",
    "features": "the newest version, compressed",
    "projection": "the kept components, as Parquet",
    "csv": "the same components, as text",
}


@dataclass(frozen=True)
class StorageRow:
    """One row of the size table; `share` is relative to the largest, `of_images` to the images."""

    name: str
    size: str
    per_image: str
    of_images: str
    share: float
    note: str


def build(page: Page) -> SectionContent | None:
    """The sizes; None if they were not measured."""
    if not page.data.storage_bytes.get("images") or not page.data.points_total:
        return None
    return SectionContent({"rows": size_rows(page.data), "summary": summary_text(page.data)})


def size_rows(data: ReportData) -> list[StorageRow]:
    """The sizes of the images and the results: in bytes, per image, relative to the images."""
    sizes = {key: data.storage_bytes[key] for key in NAMES if key in data.storage_bytes}
    largest = max(sizes.values())
    return [
        StorageRow(
            name=NAMES[key],
            size=bytes_text(size),
            per_image=bytes_text(size / data.points_total),
            of_images="" if key == "images" else percent_text(size / sizes["images"]),
            share=size / largest,
            note=NOTES[key],
        )
        for key, size in sizes.items()
    ]


def summary_text(data: ReportData) -> str:
    """The sizes of features and projection, compared with the images."""
    images = data.storage_bytes["images"]
    comparisons = [
        _compare_with_images(NAMES[key], data.storage_bytes[key] / images)
        for key in ("features", "projection")
        if data.storage_bytes.get(key)
    ]
    return f"{' '.join(comparisons)} Training on them reads this much instead of the images."


def _compare_with_images(name: str, share: float) -> str:
    if 1 <= share < 2:
        return f"The {name} takes {percent_text(share - 1)} more space than the images."
    if share < 1:
        return f"The {name} takes {percent_text(1 - share)} less space than the images."
    return f"The {name} takes {share:,.1f} times the space of the images."
