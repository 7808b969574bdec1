"""Numbers, money and long names as reports write them."""

from __future__ import annotations

ELLIPSIS = "…"


def count_text(count: int) -> str:
    """1234567 as 1,234,567."""
    return f"{count:,}"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """A count and its noun in the right number: 1 image, 2 images."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def percent_text(share: float, decimals: int = 1) -> str:
    """A share of 0 to 1 in per cent; a share that rounds to nothing says so."""
    percent = 100 * share
    least = 10.0**-decimals
    return f"< {least:.{decimals}f} %" if 0 < percent < least / 2 else f"{percent:.{decimals}f} %"


def asked_text(share: float) -> str:
    """The share that was asked for, as a person wrote it: 0.9 as 90 %, 0.999 as 99.9 %."""
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
    """A rate: two digits that matter below 10, whole numbers above."""
    return f"{per_second:.1f}" if per_second < 10 else f"{per_second:,.0f}"


def bytes_text(size: float) -> str:
    """A number of bytes in the unit that fits, in powers of 1000: 999 B, 5.1 kB, 463 MB."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while size >= 999.5 and len(units) > 1:
        size, units = size / 1000, units[1:]
    digits = 1 if size < 9.95 and units[0] != "B" else 0
    return f"{size:,.{digits}f} {units[0]}"


def money_text(amount: float, currency: str) -> str:
    """An amount with as many digits as it needs: 0.0123 USD, 12.30 USD."""
    return f"{amount:,.2f} {currency}" if amount >= 1 else f"{amount:.4f} {currency}"


def printable(name: str) -> str:
    """A name on one line, whatever is in it."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in name
    )


def shortened(text: str, most: int) -> str:
    """`text` in about `most` UTF-8 bytes; the middle goes, since both ends tell files apart."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    tail = (2 * most) // 3
    kept = encoded[: most - tail], encoded[-tail:]
    return ELLIPSIS.join(part.decode(errors="ignore") for part in kept)
