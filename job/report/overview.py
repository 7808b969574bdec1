"""The head of the report: the headline, the key numbers, and the accounting of all objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from job.report.page import Bar, Tile
from job.report.report_data import ReportData
from job.runtime.formatting import (
    count_text,
    duration_text,
    exact_percent_text,
    percent_text,
    pluralize,
    rate_text,
)


def overview(data: ReportData) -> dict[str, Any]:
    """The variables of `headline.html.j2`."""
    return {
        "summary": data.summary,
        "header": header(data),
        "tiles": tiles(data),
        "accounting": accounting(data),
    }


def header(data: ReportData) -> dict[str, str]:
    """The parts of the headline: images, features, components and explained variance."""
    images, classes = pluralize(_image_count(data), "image"), data.class_count
    return {
        "images": f"{images} of {pluralize(classes, 'class', 'classes')}" if classes else images,
        "features": pluralize(data.feature_count, "feature"),
        "components": pluralize(data.k, "component"),
        "explain": "explains" if data.k == 1 else "explain",
        "share": _explained_share(data),
    }


def tiles(data: ReportData) -> list[Tile]:
    """The key numbers under the headline."""
    counts = _counts(data)
    listed = counts.get("listed", 0)
    quarantined = counts.get("quarantined", data.quarantine_total)
    return [
        Tile("images listed", count_text(listed), _featurized_note(counts)),
        Tile("classes", count_text(data.class_count), _size_note(data)),
        Tile("components", count_text(data.k), f"from {count_text(data.feature_count)} features"),
        Tile("variance explained", percent_text(data.variance_kept), _target_note(data)),
        Tile("images per second", _rate_text(data), _time_note(data)),
        Tile("in quarantine", count_text(quarantined), _share_note(quarantined, listed)),
    ]


def accounting(data: ReportData) -> list[Bar]:
    """The outcomes of the listed objects, as shares of all listed objects."""
    counts = _counts(data)
    listed = counts.get("listed", 0) or 1
    return [
        Bar(name, count_text(counts.get(name, 0)), counts.get(name, 0) / listed)
        for name in ("featurized", "reused", "quarantined")
    ]


def _counts(data: ReportData) -> Mapping[str, int]:
    return data.summary.get("counts") or {}


def _image_count(data: ReportData) -> int:
    counts = _counts(data)
    return counts.get("featurized", 0) + counts.get("reused", 0)


def _explained_share(data: ReportData) -> str:
    target = data.variance_asked
    return percent_text(data.variance_kept) if target is None else exact_percent_text(target)


def _featurized_note(counts: Mapping[str, int]) -> str:
    parts = [f"{counts.get(name, 0):,} {name}" for name in ("featurized", "reused")]
    dropped = counts.get("dropped", 0)
    return ", ".join([*parts, f"{dropped:,} dropped"] if dropped else parts)


def _size_note(data: ReportData) -> str:
    sizes = [count.images for count in data.classes if count.label is not None]
    if not sizes:
        return "no labels in this run"
    if min(sizes) == max(sizes):
        return f"{pluralize(sizes[0], 'image')} each"
    return f"{min(sizes):,} to {pluralize(max(sizes), 'image')} each"


def _target_note(data: ReportData) -> str:
    target = data.variance_asked
    return (
        "k was set directly"
        if target is None
        else f"at least {exact_percent_text(target)} requested"
    )


def _rate_text(data: ReportData) -> str:
    rate = data.summary.get("images_per_second")
    return "–" if rate is None else rate_text(rate)


def _time_note(data: ReportData) -> str:
    seconds = data.summary.get("seconds") or {}
    return f"{duration_text(sum(seconds.values()))} in total" if seconds else ""


def _share_note(part: int, total: int) -> str:
    return f"{percent_text(part / total, 2)} of all listed" if part and total else "none"
