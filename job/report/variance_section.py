"""The variance section: the explained variance by number of components."""

from __future__ import annotations

from job.report.figures import variance_curve
from job.report.page import Page, SectionContent
from job.report.report_data import ReportData
from job.runtime.formatting import percent_text


def build(page: Page) -> SectionContent:
    """The curve with a mark at k, and a summary sentence."""
    data = page.data
    variables = {"summary": summary_text(data), "has_target": data.variance_asked is not None}
    if not data.variance_curve:
        return SectionContent(variables | {"has_curve": False})
    curve = variance_curve(data.variance_curve, data.k, data.variance_asked)
    return SectionContent(variables | {"has_curve": True}, {"curve": curve})


def summary_text(data: ReportData) -> str:
    """The variance curve in a sentence."""
    if not data.variance_curve:
        return "No variance curve was stored."
    half = _components_for(data, 0.5)
    first = (
        "The first component explains" if half == 1 else f"The first {half:,} components explain"
    )
    kept = (
        "the one kept component explains"
        if data.k == 1
        else f"the {data.k:,} kept components explain"
    )
    return f"{first} half of the variance, {kept} {percent_text(data.variance_kept)} of it."


def _components_for(data: ReportData, share: float) -> int:
    kept = 0.0
    for number, ratio in enumerate(data.variance_curve, start=1):
        kept += ratio
        if kept >= share:
            return number
    return len(data.variance_curve)
