"""The section of speed: where the time of the run went."""

from __future__ import annotations

from collections.abc import Mapping

from job.report.page import Bar, Page, Shown
from job.report.report_data import ReportData
from job.runtime.formatting import duration_text, percent_text


def show(page: Page) -> Shown | None:
    """Seconds per stage; nothing for a summary without any."""
    bars = stages(page.data)
    return Shown({"stages": bars}) if bars else None


def stages(data: ReportData) -> list[Bar]:
    """Seconds per stage in the order they ran, each as a share of the longest."""
    seconds: Mapping[str, float] = data.summary.get("seconds") or {}
    longest, total = max(seconds.values(), default=0.0) or 1.0, sum(seconds.values()) or 1.0
    return [
        Bar(name, duration_text(value), value / longest, percent_text(value / total, 0))
        for name, value in seconds.items()
    ]
