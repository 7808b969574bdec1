"""The section of storage: how large what was made is, beside the images it was made from."""

from __future__ import annotations

from dataclasses import dataclass

from job.report.page import Page, Shown
from job.report.report_data import ReportData
from job.runtime.formatting import bytes_text, percent_text

NAMES = {
    "images": "images",
    "features": "features table",
    "projection": "projection",
    "csv": "CSV of the projection",
}
NOTES = {
    "images": "what the rows of the features table were made from",
    "features": "its newest version, compressed",
    "projection": "the components that are kept, as Parquet",
    "csv": "the same as text",
}


@dataclass(frozen=True)
class StorageRow:
    """One thing that is stored; `share` is of the largest, `of_images` of the images' bytes."""

    name: str
    size: str
    per_image: str
    of_images: str
    share: float
    note: str


def show(page: Page) -> Shown | None:
    """Sizes; nothing where none were measured."""
    if not page.data.storage_bytes.get("images") or not page.data.points_total:
        return None
    return Shown({"rows": rows(page.data), "reading": reading(page.data)})


def rows(data: ReportData) -> list[StorageRow]:
    """The images and what was made from them, each in bytes, per image and beside the images."""
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


def reading(data: ReportData) -> str:
    """What is saved by keeping features or the projection instead of the images."""
    images = data.storage_bytes["images"]
    parts = [
        _beside(NAMES[key], data.storage_bytes[key] / images)
        for key in ("features", "projection")
        if data.storage_bytes.get(key)
    ]
    return f"{' '.join(parts)} Whoever trains on them reads that much instead of the images."


def _beside(name: str, share: float) -> str:
    if 1 <= share < 2:
        return f"The {name} takes {percent_text(share - 1)} more room than the images."
    if share < 1:
        return f"The {name} takes {percent_text(1 - share)} less room than the images."
    return f"The {name} takes {share:,.1f} times the room of the images."
