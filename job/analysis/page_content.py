"""The words and numbers of the report's sections, made from ReportData; no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from job.analysis.class_series import ClassSeries, label_text
from job.analysis.figures import data_uri
from job.analysis.report_data import ReportData
from job.number_text import (
    asked_text,
    count_text,
    counted,
    duration_text,
    money_text,
    percent_text,
    rate_text,
    shortened,
)

MOST_TABLE_ROWS = 300
MOST_TEXT_BYTES = 200

USED_NOTES = {
    "vcpu_seconds": "requested cores times seconds",
    "gb_seconds": "requested memory times seconds",
    "pods": "the driver and its executors",
}

# The quarantine reasons of the whole program, in words for the person who owns the images.
REASON_MEANINGS = {
    "not_an_image": "The bytes are not a picture in a format that is read (JPEG, PNG, BMP, GIF, "
    "TIFF, WebP). Files such as a README can be left out with --glob.",
    "truncated": "The picture begins well and ends too early, as after a broken upload. "
    "Upload it again.",
    "too_large": "The object has more bytes than --max-image-bytes allows.",
    "too_many_pixels": "The picture has more pixels than --max-image-pixels allows.",
    "vanished": "It was listed, but gone when it was to be read. Tried again in every run.",
    "forbidden": "The storage refuses to hand out this one object. Tried again in every run.",
}


@dataclass(frozen=True)
class Tile:
    """One key number with its name and a line of context."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Bar:
    """One labelled length; `share` is 0 to 1 of the longest or of the whole."""

    name: str
    value: str
    share: float
    note: str = ""


@dataclass(frozen=True)
class Chip:
    """The switch of one class on the plane."""

    index: int
    name: str
    images: str
    colour: str
    marker: str
    hollow: bool
    picture: str


@dataclass(frozen=True)
class ClassRow:
    """One class in the table; `index` is its place in the series, None if it is not drawn."""

    name: str
    images: str
    share: str
    index: int | None


def header(data: ReportData) -> dict[str, str]:
    """What ran, in the four numbers of the headline, with what each of them is."""
    images, classes = counted(_image_count(data), "image"), _class_count(data)
    return {
        "what": f"{images} of {counted(classes, 'class', 'classes')}" if classes else images,
        "features": counted(data.feature_count, "feature"),
        "components": counted(data.k, "component"),
        "explain": "explains" if data.k == 1 else "explain",
        "share": _share_explained(data),
    }


def tiles(data: ReportData) -> list[Tile]:
    """The key numbers under the headline."""
    counts = _counts(data)
    listed = counts.get("listed", 0)
    bad = counts.get("quarantined", data.quarantine_total)
    return [
        Tile("images listed", count_text(listed), _featurized_note(counts)),
        Tile("classes", count_text(_class_count(data)), _size_note(data)),
        Tile("components", count_text(data.k), f"from {count_text(data.feature_count)} features"),
        Tile("variance explained", percent_text(data.variance_kept), _asked_note(data)),
        Tile("images per second", _rate(data), _time_note(data)),
        Tile("in quarantine", count_text(bad), _share_note(bad, listed)),
    ]


def accounting(data: ReportData) -> list[Bar]:
    """Where each listed object ended, as shares of all that were listed."""
    counts = _counts(data)
    listed = counts.get("listed", 0) or 1
    return [
        Bar(name, count_text(counts.get(name, 0)), counts.get(name, 0) / listed)
        for name in ("featurized", "reused", "quarantined")
    ]


def stages(data: ReportData) -> list[Bar]:
    """Seconds per stage in the order they ran, each as a share of the longest."""
    seconds: Mapping[str, float] = data.summary.get("seconds") or {}
    longest, total = max(seconds.values(), default=0.0) or 1.0, sum(seconds.values()) or 1.0
    return [
        Bar(name, duration_text(value), value / longest, percent_text(value / total, 0))
        for name, value in seconds.items()
    ]


def used(data: ReportData) -> list[Tile]:
    """What the run's pods asked of the cluster over time."""
    usage: Mapping[str, float] = data.summary.get("usage") or {}
    names = {"vcpu_seconds": "vCPU-seconds", "gb_seconds": "GB-seconds", "pods": "pods"}
    return [
        Tile(name, count_text(round(usage[key])), USED_NOTES[key])
        for key, name in names.items()
        if key in usage
    ]


def costs(data: ReportData) -> list[tuple[str, str, str]]:
    """Each way to run, what the run cost that way, and a million images; none without prices."""
    cost: Mapping[str, Any] = data.summary.get("cost") or {}
    currency = str(cost.get("currency", ""))
    return [
        (
            way["name"],
            money_text(way["cost"], currency),
            "–" if way["per_million"] is None else money_text(way["per_million"], currency),
        )
        for way in cost.get("ways", ())
    ]


def prices_note(data: ReportData) -> str:
    """Which prices the costs are reckoned with."""
    cost: Mapping[str, Any] = data.summary.get("cost") or {}
    return f"Prices of {cost['prices_of']}, pods as shares of {cost['instance']}." if cost else ""


def chips(data: ReportData, series: Sequence[ClassSeries]) -> list[Chip]:
    """One switch for each class on the plane, with its count in the whole output."""
    images = {label_text(each.label): each.images for each in data.classes}
    return [
        Chip(
            index=index,
            name=shortened(each.name, MOST_TEXT_BYTES),
            images=count_text(images.get(each.name, len(each.points))),
            colour=each.style.colour,
            marker=each.style.marker,
            hollow=each.style.hollow,
            picture=data_uri(each.typical.thumbnail) if each.typical else "",
        )
        for index, each in enumerate(series)
    ]


def class_rows(data: ReportData, series: Sequence[ClassSeries]) -> list[ClassRow]:
    """The largest classes, at most MOST_TABLE_ROWS."""
    index_of = {each.name: index for index, each in enumerate(series)}
    total = sum(each.images for each in data.classes) or 1
    ordered = sorted(data.classes, key=lambda each: -each.images)
    return [
        ClassRow(
            name=shortened(label_text(each.label), MOST_TEXT_BYTES),
            images=count_text(each.images),
            share=percent_text(each.images / total),
            index=index_of.get(label_text(each.label)),
        )
        for each in ordered[:MOST_TABLE_ROWS]
    ]


def balance(data: ReportData) -> str:
    """How even the classes are, and what to do about it."""
    sizes = sorted(each.images for each in data.classes)
    if not _class_count(data):
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


def plane_share(data: ReportData) -> str:
    """How much of the variance the plane shows, and what that allows one to conclude."""
    shown = sum(data.variance_curve[: min(2, data.k)])
    axes = "This one component holds" if data.k == 1 else "These two components hold"
    return f"{axes} {percent_text(shown)} of the variance"


def sampling(data: ReportData) -> str:
    """How many of the images the plane shows, and by which rule they were chosen."""
    if len(data.points) >= data.points_total:
        return f"All {counted(data.points_total, 'image')} are shown."
    return f"{len(data.points):,} of {data.points_total:,} images are shown: {data.sampling_rule}."


def curve_reading(data: ReportData) -> str:
    """The variance curve's message in a sentence."""
    if not data.variance_curve:
        return "No variance curve was stored."
    half = _components_for(data, 0.5)
    first = (
        "The first component explains" if half == 1 else f"The first {half:,} components explain"
    )
    kept = (
        "the one that is kept explains" if data.k == 1 else f"the {data.k:,} that are kept explain"
    )
    return f"{first} half of the variance, {kept} {percent_text(data.variance_kept)} of it."


def reasons(data: ReportData) -> list[Bar]:
    """Quarantined objects per reason, most first, each with what the reason means."""
    total = data.quarantine_total or 1
    ordered = sorted(data.quarantine_reasons.items(), key=lambda item: -item[1])
    return [
        Bar(reason, count_text(count), count / total, REASON_MEANINGS.get(reason, ""))
        for reason, count in ordered
    ]


def quarantine_rows(data: ReportData) -> list[dict[str, str]]:
    """The first quarantined objects, at most MOST_TABLE_ROWS, long texts shortened."""
    root = input_root(data)
    return [
        {
            "path": shortened(each.path.removeprefix(root), MOST_TEXT_BYTES),
            "reason": each.reason,
            "detail": shortened(each.detail or "", MOST_TEXT_BYTES),
        }
        for each in data.quarantine[:MOST_TABLE_ROWS]
    ]


def provenance(data: ReportData) -> dict[str, list[tuple[str, str]]]:
    """All that says which code and which settings made this output, in groups of name, value."""
    summary = data.summary
    run = {
        "run id": summary.get("run_id"),
        "started": summary.get("started"),
        "input": summary.get("input_path"),
        "output": summary.get("output_path"),
        "git revision": summary.get("git_revision"),
    }
    groups = {
        "Run": run,
        "Fingerprint of the features": summary.get("fingerprint") or {},
        "Settings": summary.get("settings") or {},
        "Versions": summary.get("versions") or {},
    }
    return {name: _flat(values) for name, values in groups.items() if values}


def input_root(data: ReportData) -> str:
    """What paths on the page leave out: the input path with a slash at its end."""
    path = str(data.summary.get("input_path") or "")
    return path.rstrip("/") + "/" if path else ""


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", "not set" if value is None else str(value)))
    return rows


def _counts(data: ReportData) -> Mapping[str, int]:
    return data.summary.get("counts") or {}


def _image_count(data: ReportData) -> int:
    counts = _counts(data)
    return counts.get("featurized", 0) + counts.get("reused", 0)


def _class_count(data: ReportData) -> int:
    return sum(each.label is not None for each in data.classes)


def _share_explained(data: ReportData) -> str:
    asked = data.variance_asked
    return percent_text(data.variance_kept) if asked is None else asked_text(asked)


def _featurized_note(counts: Mapping[str, int]) -> str:
    parts = [f"{counts.get(name, 0):,} {name}" for name in ("featurized", "reused")]
    dropped = counts.get("dropped", 0)
    return ", ".join([*parts, f"{dropped:,} dropped"] if dropped else parts)


def _size_note(data: ReportData) -> str:
    sizes = [each.images for each in data.classes if each.label is not None]
    if not sizes:
        return "no labels in this run"
    if min(sizes) == max(sizes):
        return f"{counted(sizes[0], 'image')} each"
    return f"{min(sizes):,} to {counted(max(sizes), 'image')} each"


def _asked_note(data: ReportData) -> str:
    asked = data.variance_asked
    return "k was set by number" if asked is None else f"at least {asked_text(asked)} asked"


def _rate(data: ReportData) -> str:
    rate = data.summary.get("images_per_second")
    return "–" if rate is None else rate_text(rate)


def _time_note(data: ReportData) -> str:
    seconds = data.summary.get("seconds") or {}
    return f"{duration_text(sum(seconds.values()))} in all" if seconds else ""


def _share_note(part: int, whole: int) -> str:
    return f"{percent_text(part / whole, 2)} of all listed" if part and whole else "none"


def _components_for(data: ReportData, share: float) -> int:
    kept = 0.0
    for number, ratio in enumerate(data.variance_curve, start=1):
        kept += ratio
        if kept >= share:
            return number
    return len(data.variance_curve)
