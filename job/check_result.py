"""What came of a check: all is well, something is wrong, or nobody could look."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from job.errors import JobError


class State(StrEnum):
    """A check that is skipped has said nothing of what it is about."""

    OK = "ok"
    WRONG = "wrong"
    SKIPPED = "skipped"


class CannotLookError(Exception):
    """What a check is about cannot be seen from here, and why; it may be right or wrong."""


@dataclass(frozen=True)
class Outcome:
    """`what` was found, or why nothing was; `exit_code` is that of what is wrong, else 0."""

    check: str
    state: State
    what: str
    expected: str = ""
    fix: str = ""
    exit_code: int = 0

    @classmethod
    def of_error(cls, check: str, error: JobError) -> Outcome:
        return cls(check, State.WRONG, error.what, error.expected, error.fix, error.exit_code)
