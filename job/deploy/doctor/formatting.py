"""Formats check results: text with one line a check, or one JSON object."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from job.checks import CheckResult, State
from job.errors import ChecksFailedError

# The full text is printed above the error line.
_MAX_LENGTH = 300


def as_text(result: CheckResult) -> str:
    """One line; a failed check has the expected value and the fix below it."""
    details = {"expected": result.expected, "fix": result.fix}
    lines = [f"  {name}: {text}" for name, text in details.items() if text]
    return "\n".join([f"{result.state:<8}{result.check}: {result.what}", *lines])


def as_json(results: Sequence[CheckResult]) -> str:
    """An object with the results, and the number of results by state."""
    return json.dumps({**count(results), "checks": list(map(asdict, results))}, indent=2)


def count(results: Sequence[CheckResult]) -> dict[str, int]:
    """The number of results by state."""
    counts = Counter(result.state for result in results)
    return {str(state): counts[state] for state in State}


def summarize(results: Sequence[CheckResult]) -> str:
    """The counts in one line."""
    return ", ".join(f"{number} {state}" for state, number in count(results).items())


def require_no_failures(results: Sequence[CheckResult]) -> None:
    """Raise ChecksFailedError with the exit code of the first failed check, if any."""
    failed = [result for result in results if result.state is State.FAILED]
    if failed:
        (first, *others) = failed
        summary = f"{summarize(results)}: {first.check}: {first.what[:_MAX_LENGTH]}"
        more = f"; {', '.join(result.check for result in others)}" if others else ""
        raise ChecksFailedError.with_code(summary + more, first.exit_code)
