"""The paths in the arguments of a rendered run."""

from __future__ import annotations

from collections.abc import Sequence

_OPTIONS = ("--input", "--output", "--bundle", "--model", "--destination")


def option_value(arguments: Sequence[str], name: str) -> str:
    """The value of an option, `--name value` or `--name=value`; empty if it is not given."""
    value = ""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument == name:
            value = following
        elif argument.startswith(f"{name}="):
            value = argument.partition("=")[2]
    return value


def job_paths(arguments: Sequence[str]) -> list[str]:
    """All input and output paths in the arguments."""
    return [path for name in _OPTIONS if (path := option_value(arguments, name))]
