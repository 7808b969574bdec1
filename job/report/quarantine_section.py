"""The quarantine section: the objects without features, the reasons, and their pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from job.report.page import Bar, Page, SectionContent
from job.report.plane_figure import data_uri
from job.report.report_data import QuarantinedImage, ReportData
from job.runtime.formatting import count_text, truncate_middle

MAX_TEXT_BYTES = 200
# Limits per reason, so that a frequent reason does not hide a rare one.
MAX_CARDS_PER_REASON = 6
MAX_ROWS_PER_REASON = 50
MAX_REASONS = 12
GALLERY_RULE = f"up to {MAX_CARDS_PER_REASON} of each reason, first by path"

# All quarantine reasons, explained for the owner of the images.
REASON_MEANINGS = {
    "not_an_image": "Not a picture in a supported format (JPEG, PNG, BMP, GIF, TIFF, WebP). Use "
    "--glob to exclude files such as a README.",
    "unsupported": "A complete picture in an unsupported variant of its format, such as "
    "floating-point or signed samples. Convert it to 8 bits.",
    "truncated": "The picture is incomplete, as after an interrupted upload. Upload it again.",
    "too_large": "The object has more bytes than --max-image-bytes allows.",
    "too_many_pixels": "The picture has more pixels than --max-image-pixels allows.",
    "vanished": "The object was deleted after it was listed. Every run tries it again.",
    "forbidden": "The storage denies access to this object. Every run tries it again.",
}


@dataclass(frozen=True)
class BadObject:
    """One object in quarantine; `picture` is a data URI of its readable part, empty without one."""

    path: str
    reason: str
    detail: str
    picture: str = ""


def build(page: Page) -> SectionContent:
    """Objects per reason, a gallery, and a table of the first objects of each reason."""
    objects = bad_objects(page)
    return SectionContent(
        {
            "total": page.data.quarantine_total,
            "reasons": reason_bars(page.data),
            "cards": first_of_each_reason(objects, MAX_CARDS_PER_REASON),
            "gallery_rule": GALLERY_RULE,
            "rows": first_of_each_reason(objects, MAX_ROWS_PER_REASON),
        }
    )


def reason_bars(data: ReportData) -> list[Bar]:
    """Quarantined objects per reason, most frequent first, each with its meaning."""
    total = data.quarantine_total or 1
    ordered = sorted(data.quarantine_reasons.items(), key=lambda item: -item[1])
    return [
        Bar(reason, count_text(count), count / total, REASON_MEANINGS.get(reason, ""))
        for reason, count in ordered
    ]


def bad_objects(page: Page) -> list[BadObject]:
    """The sampled objects by reason and path, with long texts truncated."""
    images = sorted(page.data.quarantine, key=lambda image: (image.reason, image.path))
    return [_bad_object(page, image) for image in images]


def first_of_each_reason(objects: Sequence[BadObject], max_objects: int) -> list[BadObject]:
    """Up to `max_objects` of each of the first MAX_REASONS reasons, in their order."""
    counts: Counter[str] = Counter()
    selected = []
    for bad in objects:
        counts[bad.reason] += 1
        if counts[bad.reason] <= max_objects and len(counts) <= MAX_REASONS:
            selected.append(bad)
    return selected


def _bad_object(page: Page, image: QuarantinedImage) -> BadObject:
    return BadObject(
        path=truncate_middle(page.relative_path(image.path), MAX_TEXT_BYTES),
        reason=image.reason,
        detail=truncate_middle(image.detail or "", MAX_TEXT_BYTES),
        picture=data_uri(image.thumbnail),
    )
