"""Findings for a person, one block each, and for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from job.deploy.lint.finding import Finding, Severity


@dataclass(frozen=True)
class Count:
    """How many findings there are of each severity."""

    errors: int
    warnings: int

    @classmethod
    def of(cls, found: Sequence[Finding]) -> Count:
        errors = sum(each.severity is Severity.ERROR for each in found)
        return cls(errors, len(found) - errors)

    def __str__(self) -> str:
        return f"{_many(self.errors, 'error')}, {_many(self.warnings, 'warning')}"


def as_text(found: Sequence[Finding]) -> str:
    """A block for each finding: what, why, fix."""
    return "\n\n".join(map(_block, found))


def as_json(found: Sequence[Finding]) -> str:
    """An object with the findings and how many there are."""
    return json.dumps({**asdict(Count.of(found)), "findings": list(map(asdict, found))}, indent=2)


def _block(finding: Finding) -> str:
    value = f": {finding.value}" if finding.value else ""
    return (
        f"{finding.severity}: {finding.key}{value}  [{finding.check}]\n"
        f"  why: {finding.why}\n"
        f"  fix: {finding.fix}"
    )


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
