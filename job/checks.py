"""What checks are called and what each is about, told once: by its function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

Function = Callable[..., Any]


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
