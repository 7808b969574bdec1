"""Outcomes for a person, one line each with the fix below, and for a program."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from job.checks import Outcome, State
from job.errors import ChecksFailedError

# Of what stands above in full.
_LONGEST = 300


def as_text(outcome: Outcome) -> str:
    """One line, and below it what was expected and how to mend it."""
    more = {"expected": outcome.expected, "fix": outcome.fix}
    lines = [f"  {name}: {text}" for name, text in more.items() if text]
    return "\n".join([f"{outcome.state:<8}{outcome.check}: {outcome.what}", *lines])


def as_json(outcomes: Sequence[Outcome]) -> str:
    """An object with the outcomes and how many there are of each state."""
    return json.dumps({**count(outcomes), "checks": list(map(asdict, outcomes))}, indent=2)


def count(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many outcomes there are of each state."""
    found = Counter(outcome.state for outcome in outcomes)
    return {str(state): found[state] for state in State}


def summed_up(outcomes: Sequence[Outcome]) -> str:
    """The counts in one line."""
    return ", ".join(f"{number} {state}" for state, number in count(outcomes).items())


def require_well(outcomes: Sequence[Outcome]) -> None:
    """Raise ChecksFailedError, with the exit code of the first, where something is wrong."""
    wrong = [outcome for outcome in outcomes if outcome.state is State.WRONG]
    if wrong:
        (first, *others) = wrong
        told = f"{summed_up(outcomes)}: {first.check}: {first.what[:_LONGEST]}"
        more = f"; {', '.join(each.check for each in others)}" if others else ""
        raise ChecksFailedError.with_code(told + more, first.exit_code)
