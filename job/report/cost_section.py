"""The section of cost: what the run used, and what that costs where prices were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from job.report.page import Page, Shown, Tile
from job.report.report_data import ReportData
from job.runtime.formatting import count_text, money_text

USED_NOTES = {
    "vcpu_seconds": "requested cores times seconds",
    "gb_seconds": "requested memory times seconds",
    "pods": "the driver and its executors",
}


def show(page: Page) -> Shown | None:
    """What was used and what it costs; nothing for a run that did not count."""
    data = page.data
    if not used(data):
        return None
    return Shown({"used": used(data), "costs": costs(data), "prices_note": prices_note(data)})


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
