"""The comparison as a terminal table or JSON: a row per quantity, a column per output."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import accumulate
from typing import TypeVar

from rich.table import Column, Table
from rich.text import Text

from job.report.compare.outputs import ComparedOutput, Score
from job.runtime.formatting import bytes_text, count_text, duration_text, percent_text, rate_text

MISSING = "–"
CURVE_COMPONENTS = (1, 10, 50)
TARGET_SHARE = 0.90
# Sums of hundreds of shares may fall short by this much.
_ROUNDING = 1e-9

Row = tuple[str, list[str]]
Quantity = TypeVar("Quantity", int, float)


def build_rows(outputs: Sequence[ComparedOutput]) -> list[Row]:
    """Name and texts of each quantity that at least one output has."""
    rows = [
        _row("backbone", outputs, lambda output: str(output.fingerprint.get("backbone", MISSING))),
        _row("fingerprint", outputs, lambda output: short_fingerprint(output) or MISSING),
        *_differing_parts(outputs),
        _row("images", outputs, lambda output: count_text(output.images)),
        _row("images/s", outputs, lambda output: _format(output.images_per_second, rate_text)),
        _row("time", outputs, lambda output: _format(output.seconds, duration_text)),
        _row("features an image", outputs, lambda output: count_text(output.feature_count)),
        _row("k for 90 %", outputs, lambda output: _format(components_for(output), count_text)),
        *[_variance_row(outputs, number) for number in CURVE_COMPONENTS],
        _row("k of the projection", outputs, lambda output: _format(output.k, count_text)),
        _row("fitted by run", outputs, lambda output: output.fitted_by or MISSING),
        _row("drift", outputs, _drift_text),
        _row("size of the features", outputs, lambda output: bytes_text(output.features_bytes)),
        _row(
            "size of the projection",
            outputs,
            lambda output: _format(output.projection_bytes, bytes_text),
        ),
        *_score_rows(outputs),
    ]
    return [row for row in rows if set(row[1]) != {MISSING}]


def as_table(outputs: Sequence[ComparedOutput]) -> Table:
    """The rows as a terminal table; names stay whole, long paths wrap."""
    table = Table(Column("", no_wrap=True))
    for output in outputs:
        table.add_column(Text(output.output), overflow="fold")
    for name, texts in build_rows(outputs):
        table.add_row(name, *[Text(text) for text in texts])
    return table


def as_json(outputs: Sequence[ComparedOutput]) -> str:
    """All values of each output, as a JSON list of objects."""
    return json.dumps(
        [{**asdict(output), "components_for_90": components_for(output)} for output in outputs],
        indent=2,
    )


def short_fingerprint(output: ComparedOutput) -> str:
    """Twelve hex digits, equal for outputs whose features may be mixed; empty if unknown."""
    if not output.fingerprint:
        return ""
    text = json.dumps(output.fingerprint, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def cumulative_variance(output: ComparedOutput) -> list[float]:
    """The share of the variance that the first 1, 2, ... components explain together."""
    return list(accumulate(output.variance_curve))


def components_for(output: ComparedOutput, share: float = TARGET_SHARE) -> int | None:
    """The fewest components that explain `share` of the variance; None without a curve."""
    curve = enumerate(cumulative_variance(output), 1)
    return next((n for n, kept in curve if kept >= share - _ROUNDING), None)


def _row(
    name: str, outputs: Sequence[ComparedOutput], text: Callable[[ComparedOutput], str]
) -> Row:
    return name, [text(output) for output in outputs]


def _format(value: Quantity | None, text: Callable[[Quantity], str]) -> str:
    return MISSING if value is None else text(value)


def _differing_parts(outputs: Sequence[ComparedOutput]) -> list[Row]:
    """The parts of the fingerprint that differ between outputs."""
    parts = sorted({part for output in outputs for part in output.fingerprint} - {"backbone"})
    rows = [
        (f"  {part}", [_short(output.fingerprint.get(part)) for output in outputs])
        for part in parts
    ]
    return [row for row in rows if len(set(row[1])) > 1]


def _short(value: object) -> str:
    return MISSING if value is None else str(value)[:16]


def _variance_row(outputs: Sequence[ComparedOutput], number: int) -> Row:
    name = "variance of 1 component" if number == 1 else f"variance of {number} components"
    curves = [cumulative_variance(output)[:number] for output in outputs]
    return name, [percent_text(curve[-1]) if curve else MISSING for curve in curves]


def _drift_text(output: ComparedOutput) -> str:
    if output.drift is None:
        return MISSING
    return "; ".join(output.drift) or "none found"


def _score_rows(outputs: Sequence[ComparedOutput]) -> list[Row]:
    keys = sorted({(score.classifier, score.on) for output in outputs for score in output.scores})
    return [
        (
            f"{classifier} on {on}",
            [_score_text(output.scores, classifier, on) for output in outputs],
        )
        for classifier, on in keys
    ]


def _score_text(scores: Sequence[Score], classifier: str, on: str) -> str:
    matching = [score for score in scores if (score.classifier, score.on) == (classifier, on)]
    if not matching:
        return MISSING
    best = max(matching, key=lambda score: score.accuracy)
    texts = [percent_text(best.accuracy)]
    if best.macro_f1 is not None:
        texts.append(f"macro F1 {percent_text(best.macro_f1)}")
    if best.without_near_duplicates is not None:
        texts.append(f"{percent_text(best.without_near_duplicates)} without near-duplicates")
    return ", ".join(texts)
