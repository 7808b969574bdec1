"""A bill for a person and for a program."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table

from job.analysis.cost.bill import Bill
from job.analysis.cost.usage import Usage
from job.runtime.formatting import duration_text, money_text


def table(bill: Bill) -> Table:
    """Two columns: what was used, then what that costs each way."""
    shown = Table(show_header=False)
    for name, value in [*used(bill.usage), *_costs(bill)]:
        shown.add_row(name, value)
    return shown


def estimate_table(bill: Bill) -> Table:
    """The same of a run that has not been: first of all how long it takes."""
    driver, *executors = bill.usage.pods
    title = f"estimate: {bill.usage.images:,} images on {len(executors):,} executors"
    shown = Table(title=title, title_justify="left", show_header=False)
    shown.add_row("time", duration_text(driver.seconds))
    for name, value in [*used(bill.usage), *_costs(bill)]:
        shown.add_row(name, value)
    return shown


def used(usage: Usage) -> list[tuple[str, str]]:
    """What the pods asked for, over time."""
    lines = [
        ("vCPU-seconds", f"{usage.vcpu_seconds:,.0f}"),
        ("GB-seconds", f"{usage.gb_seconds:,.0f}"),
        ("pods", f"{len(usage.pods):,}"),
    ]
    return lines if usage.images is None else [*lines, ("images", f"{usage.images:,}")]


def in_numbers(usage: Usage) -> dict[str, float]:
    """vCPU-seconds, GB-seconds and pods by name."""
    return {
        "vcpu_seconds": round(usage.vcpu_seconds, 1),
        "gb_seconds": round(usage.gb_seconds, 1),
        "pods": len(usage.pods),
    }


def costs(bill: Bill) -> dict[str, Any]:
    """What the run costs each way, in `currency`; with the images and the prices it is of."""
    return {
        "currency": bill.prices.currency,
        "instance": bill.prices.instance.name,
        "prices_of": bill.prices.as_of,
        "images": bill.usage.images,
        "ways": [vars(way) for way in bill.ways],
        "storage_month": bill.month,
    }


def as_json(bill: Bill, estimated: Bill | None = None) -> str:
    """What was used and what it costs, as one object; in `estimate` the same and `seconds`."""
    told = _told(bill)
    if estimated is not None:
        told["estimate"] = {"seconds": estimated.usage.pods[0].seconds, **_told(estimated)}
    return json.dumps(told, indent=2)


def _told(bill: Bill) -> dict[str, Any]:
    return {**in_numbers(bill.usage), **costs(bill)}


def _costs(bill: Bill) -> list[tuple[str, str]]:
    prices = bill.prices
    lines = [("prices", f"{prices.instance.name}, of {prices.as_of}")]
    for way in bill.ways:
        lines.append((way.name, money_text(way.cost, prices.currency)))
        if way.per_million is not None:
            lines.append(("  a million images", money_text(way.per_million, prices.currency)))
    if bill.month is not None:
        lines.append(("output, a month", money_text(bill.month, prices.currency)))
    return lines
