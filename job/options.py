"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from job.errors import InvalidValueError

Command = TypeVar("Command", bound=Callable[..., Any])


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """One decorator of several: the same options, with the same help, on each command."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


conf_option = click.option(
    "--conf",
    "conf",
    multiple=True,
    metavar="KEY=VALUE",
    help="A Spark setting; may be repeated.",
)


def spark_settings(pairs: Sequence[str]) -> dict[str, str]:
    """What `--conf` gave, by key. Raises InvalidValueError for what is no KEY=VALUE."""
    for pair in pairs:
        if "=" not in pair:
            raise InvalidValueError(
                f"--conf is {pair!r}", expected="KEY=VALUE", fix="write --conf spark.key=value"
            )
    return dict(pair.split("=", 1) for pair in pairs)
