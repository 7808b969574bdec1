"""Asks each check in order, those that build on what is wrong left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from job.check_result import CannotLookError, Outcome, State
from job.checks import name_of
from job.errors import JobError

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Check(Generic[Subject]):
    """`look` returns what is well in a few words, raises JobError for what is wrong and
    CannotLookError where it cannot tell; it is not asked where something that it `needs` is wrong.
    """

    look: Callable[[Subject], str]
    needs: tuple[Callable[[Subject], str], ...] = ()

    @property
    def name(self) -> str:
        return name_of(self.look)


def examine(checks: Iterable[Check[Subject]], subject: Subject) -> Iterator[Outcome]:
    """The outcome of each check, as soon as it is known."""
    failed: set[str] = set()
    for check in checks:
        missing = [need for need in map(name_of, check.needs) if need in failed]
        outcome = _without(check.name, missing) if missing else _looked(check, subject)
        if missing or outcome.state is State.WRONG:
            failed.add(check.name)
        yield outcome


def _without(name: str, missing: list[str]) -> Outcome:
    return Outcome(name, State.SKIPPED, f"it needs {', '.join(missing)}")


def _looked(check: Check[Subject], subject: Subject) -> Outcome:
    try:
        return Outcome(check.name, State.OK, check.look(subject))
    except CannotLookError as reason:
        return Outcome(check.name, State.SKIPPED, str(reason))
    except JobError as error:
        return Outcome.of_error(check.name, error)
