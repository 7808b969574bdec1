"""The cost section: the resources that the run used, and their cost if prices were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from job.report.page import Page, SectionContent, Tile
from job.report.report_data import ReportData
from job.runtime.formatting import count_text, money_text

USAGE_NOTES = {
    "vcpu_seconds": "requested cores times seconds",
    "gb_seconds": "requested memory times seconds",
    "pods": "the driver and its executors",
}


def build(page: Page) -> SectionContent | None:
    """Usage and cost; None for a run without recorded usage."""
    data = page.data
    if not usage_tiles(data):
        return None
    return SectionContent(
        {
            "usage": usage_tiles(data),
            "costs": cost_rows(data),
            "prices_note": prices_note(data),
        }
    )


def usage_tiles(data: ReportData) -> list[Tile]:
    """The resources that the run's pods requested, over time."""
    usage: Mapping[str, float] = data.summary.get("usage") or {}
    names = {"vcpu_seconds": "vCPU-seconds", "gb_seconds": "GB-seconds", "pods": "pods"}
    return [
        Tile(name, count_text(round(usage[key])), USAGE_NOTES[key])
        for key, name in names.items()
        if key in usage
    ]


def cost_rows(data: ReportData) -> list[tuple[str, str, str]]:
    """Name, cost of the run and cost of a million images per option; empty without prices."""
    cost: Mapping[str, Any] = data.summary.get("cost") or {}
    currency = str(cost.get("currency", ""))
    return [
        (
            option["name"],
            money_text(option["cost"], currency),
            "–" if option["per_million"] is None else money_text(option["per_million"], currency),
        )
        for option in cost.get("ways", ())
    ]


def prices_note(data: ReportData) -> str:
    """The date of the prices and the instance type; empty without prices."""
    cost: Mapping[str, Any] = data.summary.get("cost") or {}
    if not cost:
        return ""
    return f"Prices of {cost['prices_of']}; pods are priced as shares of {cost['instance']}."
