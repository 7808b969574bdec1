"""Parses helm's messages about values that violate the chart's schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from job.errors import InvalidValueError

_LINE = re.compile(r"^(?P<indent> *)- (?:at '(?P<pointer>[^']*)': )?(?P<text>.*)$")
# The indented lines below it have the details.
_SUMMARY = "validation failed"
_WRONG_KEY = "invalid propertyName "


@dataclass(frozen=True)
class SchemaViolation:
    """One violation: `path` has the keys of the value, outermost first."""

    path: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.text}" if self.path else self.text


class SchemaViolationError(InvalidValueError):
    """The values violate the chart's schema."""

    violations: tuple[SchemaViolation, ...] = ()

    @classmethod
    def of(cls, violations: Sequence[SchemaViolation], *, fix: str) -> SchemaViolationError:
        error = cls(f"the chart rejects these values: {'; '.join(map(str, violations))}", fix=fix)
        error.violations = tuple(violations)
        return error


def parse_violations(stderr: str) -> list[SchemaViolation]:
    """The violations in helm's standard error; empty if its message is about something else."""
    return list(_parse_lines(stderr.splitlines()))


def _parse_lines(lines: Sequence[str]) -> Iterator[SchemaViolation]:
    parent: tuple[str, ...] = ()
    # Below a rejected key, helm repeats the violated pattern without a path.
    skipped_below: int | None = None
    for line in filter(None, map(_LINE.match, lines)):
        depth, text = len(line["indent"]), line["text"]
        if skipped_below is not None and depth > skipped_below:
            continue
        skipped_below = depth if text.startswith(_WRONG_KEY) else None
        path = _keys(line["pointer"] or "")
        if text == _SUMMARY:
            parent = path
        else:
            yield SchemaViolation(parent if text.startswith(_WRONG_KEY) else path, text)


def _keys(pointer: str) -> tuple[str, ...]:
    """The keys of a JSON pointer (RFC 6901)."""
    parts = pointer.split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)
