"""What helm says of values that the chart's schema refuses, as data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from job.errors import InvalidValueError

_LINE = re.compile(r"^(?P<indent> *)- (?:at '(?P<pointer>[^']*)': )?(?P<text>.*)$")
# What follows it, indented, says what is wrong within.
_SUMMARY = "validation failed"
_WRONG_KEY = "invalid propertyName "


@dataclass(frozen=True)
class Complaint:
    """What is wrong with the value at `path`: its keys, from the outermost."""

    path: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.text}" if self.path else self.text


class RefusedValuesError(InvalidValueError):
    """The chart's schema refuses the values."""

    refused: tuple[Complaint, ...] = ()

    @classmethod
    def of(cls, refused: Sequence[Complaint], *, fix: str) -> RefusedValuesError:
        error = cls(f"the chart refuses these values: {'; '.join(map(str, refused))}", fix=fix)
        error.refused = tuple(refused)
        return error


def complaints(said: str) -> list[Complaint]:
    """Each complaint in what helm printed on standard error; none if it is about something else."""
    return list(_complaints(said.splitlines()))


def _complaints(lines: Sequence[str]) -> Iterator[Complaint]:
    parent: tuple[str, ...] = ()
    # Below a key that is refused, helm says of no place which pattern it did not match.
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
            yield Complaint(parent if text.startswith(_WRONG_KEY) else path, text)


def _keys(pointer: str) -> tuple[str, ...]:
    """The keys of a JSON pointer (RFC 6901)."""
    parts = pointer.split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)
