"""Formats findings: text with one block a finding, or one JSON object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from job.deploy.lint.finding import Finding, Severity


@dataclass(frozen=True)
class FindingCounts:
    """The number of findings by severity."""

    errors: int
    warnings: int

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> FindingCounts:
        errors = sum(finding.severity is Severity.ERROR for finding in findings)
        return cls(errors, len(findings) - errors)

    def __str__(self) -> str:
        return f"{_pluralize(self.errors, 'error')}, {_pluralize(self.warnings, 'warning')}"


def as_text(findings: Sequence[Finding]) -> str:
    """A block for each finding: what, why, fix."""
    return "\n\n".join(map(_block, findings))


def as_json(findings: Sequence[Finding]) -> str:
    """An object with the findings, and their number by severity."""
    return json.dumps(
        {**asdict(FindingCounts.of(findings)), "findings": list(map(asdict, findings))}, indent=2
    )


def _block(finding: Finding) -> str:
    value = f": {finding.value}" if finding.value else ""
    return (
        f"{finding.severity}: {finding.key}{value}  [{finding.check}]\n"
        f"  why: {finding.why}\n"
        f"  fix: {finding.fix}"
    )


def _pluralize(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
