"""The speed section: seconds per step of the run."""

from __future__ import annotations

from collections.abc import Mapping

from job.report.page import Bar, Page, SectionContent
from job.report.report_data import ReportData
from job.runtime.formatting import duration_text, percent_text


def build(page: Page) -> SectionContent | None:
    """Seconds per step; None for a summary without timings."""
    bars = step_bars(page.data)
    return SectionContent({"steps": bars}) if bars else None


def step_bars(data: ReportData) -> list[Bar]:
    """Seconds per step in the order they ran, each as a share of the longest."""
    seconds: Mapping[str, float] = data.summary.get("seconds") or {}
    longest, total = max(seconds.values(), default=0.0) or 1.0, sum(seconds.values()) or 1.0
    return [
        Bar(name, duration_text(value), value / longest, percent_text(value / total, 0))
        for name, value in seconds.items()
    ]
