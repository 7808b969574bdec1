"""The comparison for a terminal and for programs: one quantity a row, one text a side."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import accumulate
from typing import TypeVar

from rich.table import Column, Table
from rich.text import Text

from job.report.compare.outputs import Score, Side
from job.runtime.formatting import bytes_text, count_text, duration_text, percent_text, rate_text

NONE = "–"
CURVE_AT = (1, 10, 50)
ENOUGH = 0.90
# What sums of hundreds of shares may fall short by.
_ROUNDING = 1e-9

Row = tuple[str, list[str]]
Quantity = TypeVar("Quantity", int, float)


def rows_of(sides: Sequence[Side]) -> list[Row]:
    """Name and texts of each quantity that any side has."""
    rows = [
        _row("backbone", sides, lambda side: str(side.fingerprint.get("backbone", NONE))),
        _row("fingerprint", sides, lambda side: short_fingerprint(side) or NONE),
        *_differing_parts(sides),
        _row("images", sides, lambda side: count_text(side.images)),
        _row("images/s", sides, lambda side: _or_none(side.images_per_second, rate_text)),
        _row("time", sides, lambda side: _or_none(side.seconds, duration_text)),
        _row("features an image", sides, lambda side: count_text(side.feature_count)),
        _row("k for 90 %", sides, lambda side: _or_none(components_for(side), count_text)),
        *[_variance_row(sides, number) for number in CURVE_AT],
        _row("k of the projection", sides, lambda side: _or_none(side.k, count_text)),
        _row("fitted by run", sides, lambda side: side.fitted_by or NONE),
        _row("drift", sides, _drift),
        _row("size of the features", sides, lambda side: bytes_text(side.features_bytes)),
        _row(
            "size of the projection",
            sides,
            lambda side: _or_none(side.projection_bytes, bytes_text),
        ),
        *_score_rows(sides),
    ]
    return [row for row in rows if set(row[1]) != {NONE}]


def as_table(sides: Sequence[Side]) -> Table:
    """The rows for a terminal: names whole, paths on as many lines as they take."""
    table = Table(Column("", no_wrap=True))
    for side in sides:
        table.add_column(Text(side.output), overflow="fold")
    for name, texts in rows_of(sides):
        table.add_row(name, *[Text(text) for text in texts])
    return table


def as_json(sides: Sequence[Side]) -> str:
    """All that is known of each side, as a list of objects."""
    return json.dumps(
        [{**asdict(side), "components_for_90": components_for(side)} for side in sides], indent=2
    )


def short_fingerprint(side: Side) -> str:
    """Twelve digits that are equal where features may be mixed; empty where it is unknown."""
    if not side.fingerprint:
        return ""
    text = json.dumps(side.fingerprint, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def cumulative(side: Side) -> list[float]:
    """The share of the variance that the first 1, 2, ... components explain."""
    return list(accumulate(side.variance_curve))


def components_for(side: Side, share: float = ENOUGH) -> int | None:
    """The fewest components that explain `share` of the variance; None without a curve."""
    reached = (n for n, kept in enumerate(cumulative(side), 1) if kept >= share - _ROUNDING)
    return next(reached, None)


def _row(name: str, sides: Sequence[Side], text: Callable[[Side], str]) -> Row:
    return name, [text(side) for side in sides]


def _or_none(value: Quantity | None, text: Callable[[Quantity], str]) -> str:
    return NONE if value is None else text(value)


def _differing_parts(sides: Sequence[Side]) -> list[Row]:
    """The parts of the fingerprint that are not the same everywhere."""
    parts = sorted({part for side in sides for part in side.fingerprint} - {"backbone"})
    rows = [(f"  {part}", [_short(side.fingerprint.get(part)) for side in sides]) for part in parts]
    return [row for row in rows if len(set(row[1])) > 1]


def _short(value: object) -> str:
    return NONE if value is None else str(value)[:16]


def _variance_row(sides: Sequence[Side], number: int) -> Row:
    name = "variance of 1 component" if number == 1 else f"variance of {number} components"
    curves = [cumulative(side)[:number] for side in sides]
    return name, [percent_text(curve[-1]) if curve else NONE for curve in curves]


def _drift(side: Side) -> str:
    if side.drift is None:
        return NONE
    return "; ".join(side.drift) or "none found"


def _score_rows(sides: Sequence[Side]) -> list[Row]:
    kinds = sorted({(score.classifier, score.on) for side in sides for score in side.scores})
    return [
        (f"{classifier} on {on}", [_score(side.scores, classifier, on) for side in sides])
        for classifier, on in kinds
    ]


def _score(scores: Sequence[Score], classifier: str, on: str) -> str:
    of_kind = [each for each in scores if (each.classifier, each.on) == (classifier, on)]
    if not of_kind:
        return NONE
    best = max(of_kind, key=lambda each: each.accuracy)
    texts = [percent_text(best.accuracy)]
    if best.macro_f1 is not None:
        texts.append(f"macro F1 {percent_text(best.macro_f1)}")
    if best.without_near_duplicates is not None:
        texts.append(f"{percent_text(best.without_near_duplicates)} without near-duplicates")
    return ", ".join(texts)
