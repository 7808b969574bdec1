"""The section of quarantine: what could not become features, why, and what it looks like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from job.report.page import Bar, Page, Shown
from job.report.plane_figure import data_uri
from job.report.report_data import QuarantinedImage, ReportData
from job.runtime.formatting import count_text, shortened

MOST_TEXT_BYTES = 200
# Of each reason, in the order of their paths: one reason with many objects hides no other.
MOST_CARDS_A_REASON = 6
MOST_ROWS_A_REASON = 50
MOST_REASONS = 12
GALLERY_RULE = f"up to {MOST_CARDS_A_REASON} of each reason, first by path"

# The quarantine reasons of the whole program, in words for the person who owns the images.
REASON_MEANINGS = {
    "not_an_image": "The bytes are not a picture in a format that is read (JPEG, PNG, BMP, GIF, "
    "TIFF, WebP). Files such as a README can be left out with --glob.",
    "unsupported": "The picture is whole, in a variant of its format that is not decoded, such as "
    "floating-point or signed samples. Convert it to 8 bits.",
    "truncated": "The picture begins well and ends too early, as after a broken upload. "
    "Upload it again.",
    "too_large": "The object has more bytes than --max-image-bytes allows.",
    "too_many_pixels": "The picture has more pixels than --max-image-pixels allows.",
    "vanished": "It was listed, but gone when it was to be read. Tried again in every run.",
    "forbidden": "The storage refuses to hand out this one object. Tried again in every run.",
}


@dataclass(frozen=True)
class BadObject:
    """One object in quarantine; `picture` is what of it can be seen, empty for nothing."""

    path: str
    reason: str
    detail: str
    picture: str = ""


def show(page: Page) -> Shown:
    """Objects per reason, a gallery, and a table of the first of each reason."""
    found = bad_objects(page)
    return Shown(
        {
            "total": page.data.quarantine_total,
            "reasons": reasons(page.data),
            "cards": first_of_each_reason(found, MOST_CARDS_A_REASON),
            "gallery_rule": GALLERY_RULE,
            "rows": first_of_each_reason(found, MOST_ROWS_A_REASON),
        }
    )


def reasons(data: ReportData) -> list[Bar]:
    """Quarantined objects per reason, most first, each with what the reason means."""
    total = data.quarantine_total or 1
    ordered = sorted(data.quarantine_reasons.items(), key=lambda item: -item[1])
    return [
        Bar(reason, count_text(count), count / total, REASON_MEANINGS.get(reason, ""))
        for reason, count in ordered
    ]


def bad_objects(page: Page) -> list[BadObject]:
    """The objects that were collected, long texts shortened, by reason and path."""
    ordered = sorted(page.data.quarantine, key=lambda each: (each.reason, each.path))
    return [_bad_object(page, each) for each in ordered]


def first_of_each_reason(found: Sequence[BadObject], most: int) -> list[BadObject]:
    """Up to `most` of each of up to MOST_REASONS reasons, in their order."""
    seen: Counter[str] = Counter()
    kept = []
    for each in found:
        seen[each.reason] += 1
        if seen[each.reason] <= most and len(seen) <= MOST_REASONS:
            kept.append(each)
    return kept


def _bad_object(page: Page, image: QuarantinedImage) -> BadObject:
    return BadObject(
        path=shortened(page.short(image.path), MOST_TEXT_BYTES),
        reason=image.reason,
        detail=shortened(image.detail or "", MOST_TEXT_BYTES),
        picture=data_uri(image.thumbnail),
    )
