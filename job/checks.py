"""Checks, their results, and the runner of `doctor`; `lint` uses the same names and docs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from job.errors import JobError

Function = Callable[..., Any]
Context = TypeVar("Context")


class State(StrEnum):
    """The result of a check; a skipped check found nothing, right or wrong."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class CannotCheckError(Exception):
    """A check cannot run here; the message says why."""


@dataclass(frozen=True)
class CheckResult:
    """`what` is the observation, or why there is none; `exit_code` is 0 unless the check failed."""

    check: str
    state: State
    what: str
    expected: str = ""
    fix: str = ""
    exit_code: int = 0

    @classmethod
    def from_error(cls, check: str, error: JobError) -> CheckResult:
        return cls(check, State.FAILED, error.what, error.expected, error.fix, error.exit_code)


@dataclass(frozen=True)
class Check(Generic[Context]):
    """One check. It is skipped when one of the checks that it `requires` fails.

    `function` returns a few words on success. It raises JobError if the check fails, and
    CannotCheckError if it cannot run here.
    """

    function: Callable[[Context], str]
    requires: tuple[Callable[[Context], str], ...] = ()

    @property
    def name(self) -> str:
        return check_name(self.function)


def run_checks(checks: Iterable[Check[Context]], context: Context) -> Iterator[CheckResult]:
    """Run the checks in order; yield each result as soon as it is known."""
    not_passed: set[str] = set()
    for check in checks:
        missing = [name for name in map(check_name, check.requires) if name in not_passed]
        result = _skip(check.name, missing) if missing else _run(check, context)
        if missing or result.state is State.FAILED:
            not_passed.add(check.name)
        yield result


def _skip(name: str, missing: list[str]) -> CheckResult:
    return CheckResult(name, State.SKIPPED, f"requires {', '.join(missing)}")


def _run(check: Check[Context], context: Context) -> CheckResult:
    try:
        return CheckResult(check.name, State.OK, check.function(context))
    except CannotCheckError as reason:
        return CheckResult(check.name, State.SKIPPED, str(reason))
    except JobError as error:
        return CheckResult.from_error(check.name, error)


def check_name(check: Function) -> str:
    """The name of a check in output and docs: the function name, with hyphens."""
    return check.__name__.replace("_", "-")


def group_by_module(checks: Iterable[Function]) -> dict[str, dict[str, str]]:
    """{module docstring: {check name: check docstring}}, first sentences only, in order."""
    groups: dict[str, dict[str, str]] = {}
    for check in checks:
        group = groups.setdefault(_first_paragraph(inspect.getmodule(check)), {})
        group[check_name(check)] = _first_paragraph(check)
    return groups


def _first_paragraph(documented: object) -> str:
    return (inspect.getdoc(documented) or "").partition("\n\n")[0].replace("\n", " ")
