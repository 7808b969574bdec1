"""Where a rendered run reads and writes, as its arguments say."""

from __future__ import annotations

from collections.abc import Sequence

_OPTIONS = ("--input", "--output", "--bundle", "--model", "--destination")


def option(arguments: Sequence[str], name: str) -> str:
    """The value of an option of the job, `--name value` or `--name=value`; empty without it."""
    found = ""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == name:
            found = following
        elif word.startswith(f"{name}="):
            found = word.partition("=")[2]
    return found


def paths_of(arguments: Sequence[str]) -> list[str]:
    """All paths in the arguments of the job."""
    return [path for name in _OPTIONS if (path := option(arguments, name))]
