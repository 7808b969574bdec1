"""Formats a bill as a table or as JSON."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table

from job.analysis.cost.bill import Bill
from job.analysis.cost.usage import Usage
from job.runtime.formatting import duration_text, money_text


def bill_table(bill: Bill) -> Table:
    """The usage, then the cost by pricing option."""
    table = Table(show_header=False)
    for name, value in [*_usage_rows(bill.usage), *_cost_rows(bill)]:
        table.add_row(name, value)
    return table


def estimate_table(bill: Bill) -> Table:
    """The estimated time, usage and cost."""
    driver, *executors = bill.usage.pods
    title = f"estimate: {bill.usage.images:,} images on {len(executors):,} executors"
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_row("time", duration_text(driver.seconds))
    for name, value in [*_usage_rows(bill.usage), *_cost_rows(bill)]:
        table.add_row(name, value)
    return table


def _usage_rows(usage: Usage) -> list[tuple[str, str]]:
    rows = [
        ("vCPU-seconds", f"{usage.vcpu_seconds:,.0f}"),
        ("GB-seconds", f"{usage.gb_seconds:,.0f}"),
        ("pods", f"{len(usage.pods):,}"),
    ]
    return rows if usage.images is None else [*rows, ("images", f"{usage.images:,}")]


def usage_values(usage: Usage) -> dict[str, float]:
    """vCPU-seconds, GB-seconds and the number of pods, by their keys in the run's summary."""
    return {
        "vcpu_seconds": round(usage.vcpu_seconds, 1),
        "gb_seconds": round(usage.gb_seconds, 1),
        "pods": len(usage.pods),
    }


def cost_values(bill: Bill) -> dict[str, Any]:
    """The costs by their keys in the run's summary, with the images and the prices."""
    return {
        "currency": bill.prices.currency,
        "instance": bill.prices.instance.name,
        "prices_of": bill.prices.as_of,
        "images": bill.usage.images,
        "ways": [vars(option) for option in bill.options],
        "storage_month": bill.storage_month,
    }


def as_json(bill: Bill, estimated: Bill | None = None) -> str:
    """Usage and cost as one JSON object; `estimate` has those of `estimated`, and `seconds`."""
    values = _values(bill)
    if estimated is not None:
        values["estimate"] = {"seconds": estimated.usage.pods[0].seconds, **_values(estimated)}
    return json.dumps(values, indent=2)


def _values(bill: Bill) -> dict[str, Any]:
    return {**usage_values(bill.usage), **cost_values(bill)}


def _cost_rows(bill: Bill) -> list[tuple[str, str]]:
    prices = bill.prices
    rows = [("prices", f"{prices.instance.name}, of {prices.as_of}")]
    for option in bill.options:
        rows.append((option.name, money_text(option.cost, prices.currency)))
        if option.per_million is not None:
            rows.append(("  a million images", money_text(option.per_million, prices.currency)))
    if bill.storage_month is not None:
        rows.append(("output, a month", money_text(bill.storage_month, prices.currency)))
    return rows
