"""The section of the variance curve: how many components are enough."""

from __future__ import annotations

from job.report.figures import variance_curve
from job.report.page import Page, Shown
from job.report.report_data import ReportData
from job.runtime.formatting import percent_text


def show(page: Page) -> Shown:
    """The curve with k marked, and what it says in a sentence."""
    data = page.data
    words = {"reading": curve_reading(data), "asked": data.variance_asked is not None}
    if not data.variance_curve:
        return Shown(words | {"drawn": False})
    curve = variance_curve(data.variance_curve, data.k, data.variance_asked)
    return Shown(words | {"drawn": True}, {"curve": curve})


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


def _components_for(data: ReportData, share: float) -> int:
    kept = 0.0
    for number, ratio in enumerate(data.variance_curve, start=1):
        kept += ratio
        if kept >= share:
            return number
    return len(data.variance_curve)
