"""Formats numbers, money and long names for reports and the console."""

from __future__ import annotations

ELLIPSIS = "…"


def count_text(count: int) -> str:
    """1234567 as 1,234,567."""
    return f"{count:,}"


def pluralize(count: int, singular: str, plural: str | None = None) -> str:
    """A count and its noun: 1 image, 2 images."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def percent_text(share: float, decimals: int = 1) -> str:
    """A share of 0 to 1 as a percentage; a share that rounds to zero is < 0.1 %."""
    percent = 100 * share
    step = 10.0**-decimals
    return f"< {step:.{decimals}f} %" if 0 < percent < step / 2 else f"{percent:.{decimals}f} %"


def exact_percent_text(share: float) -> str:
    """A share of 0 to 1 with all its digits: 0.9 as 90 %, 0.999 as 99.9 %."""
    return f"{100 * share:.6g} %"


def duration_text(seconds: float) -> str:
    """Seconds as 0.42 s, 8.3 s, 42 s, 3 min 05 s or 2 h 07 min."""
    if seconds < 59.5:
        decimals = 2 if seconds < 1 else 1 if seconds < 10 else 0
        return f"{seconds:.{decimals}f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def rate_text(per_second: float) -> str:
    """A rate with one decimal below 10, without decimals above."""
    return f"{per_second:.1f}" if per_second < 10 else f"{per_second:,.0f}"


def bytes_text(size: float) -> str:
    """Bytes in the largest fitting decimal unit: 999 B, 5.1 kB, 463 MB."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while size >= 999.5 and len(units) > 1:
        size, units = size / 1000, units[1:]
    digits = 1 if size < 9.95 and units[0] != "B" else 0
    return f"{size:,.{digits}f} {units[0]}"


def money_text(amount: float, currency: str) -> str:
    """An amount with four decimals below 1, else two: 0.0123 USD, 12.30 USD."""
    return f"{amount:,.2f} {currency}" if amount >= 1 else f"{amount:.4f} {currency}"


def printable(name: str) -> str:
    """A name with its control characters escaped, so that it fits on one line."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in name
    )


def truncate_middle(text: str, max_bytes: int) -> str:
    """`text` in about `max_bytes` UTF-8 bytes; it keeps both ends, which identify a file."""
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    tail = (2 * max_bytes) // 3
    ends = encoded[: max_bytes - tail], encoded[-tail:]
    return ELLIPSIS.join(end.decode(errors="ignore") for end in ends)
