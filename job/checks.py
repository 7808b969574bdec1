"""A check, its result, and the runner; `lint` and `doctor` name and document their checks alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from job.errors import JobError

Function = Callable[..., Any]
Subject = TypeVar("Subject")


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


def name_of(check: Function) -> str:
    """How output and docs name a check."""
    return check.__name__.replace("_", "-")


def by_family(checks: Iterable[Function]) -> dict[str, dict[str, str]]:
    """Checks and the first sentence of each, by the first sentence of their file, in order."""
    found: dict[str, dict[str, str]] = {}
    for check in checks:
        family = found.setdefault(_sentence(inspect.getmodule(check)), {})
        family[name_of(check)] = _sentence(check)
    return found


def _sentence(of: object) -> str:
    return (inspect.getdoc(of) or "").partition("\n\n")[0].replace("\n", " ")
