"""A bill for a person and for a program."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table

from job.cost.bill import Bill
from job.cost.usage import Usage


def table(bill: Bill) -> Table:
    """Two columns: what was used, then what that costs each way."""
    shown = Table(show_header=False)
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


def as_data(bill: Bill) -> dict[str, Any]:
    """The same as plain data; money in `currency`."""
    return {
        "vcpu_seconds": round(bill.usage.vcpu_seconds, 3),
        "gb_seconds": round(bill.usage.gb_seconds, 3),
        "pods": len(bill.usage.pods),
        "images": bill.usage.images,
        "currency": bill.prices.currency,
        "instance": bill.prices.instance.name,
        "prices_of": bill.prices.as_of,
        "ways": [vars(way) for way in bill.ways],
        "storage_month": bill.month,
    }


def as_json(bill: Bill) -> str:
    """`as_data` as text."""
    return json.dumps(as_data(bill), indent=2)


def money(amount: float, currency: str) -> str:
    """An amount with as many digits as it needs: 0.0123 USD, 12.30 USD."""
    return f"{amount:,.2f} {currency}" if amount >= 1 else f"{amount:.4f} {currency}"


def _costs(bill: Bill) -> list[tuple[str, str]]:
    prices = bill.prices
    lines = [("prices", f"{prices.instance.name}, of {prices.as_of}")]
    for way in bill.ways:
        lines.append((way.name, money(way.cost, prices.currency)))
        if way.per_million is not None:
            lines.append(("  a million images", money(way.per_million, prices.currency)))
    if bill.month is not None:
        lines.append(("output, a month", money(bill.month, prices.currency)))
    return lines
