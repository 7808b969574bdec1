"""The job's arguments as its own command line reads them, before any job runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import click

from job.config import (
    DriftConfig,
    ExportConfig,
    FeaturizeConfig,
    FitConfig,
    ImagesConfig,
    NetworkConfig,
)
from job.errors import InvalidValueError

# What checks an option when it is made, and what it needs beside those that a command may have.
_CONFIGURATIONS: dict[type[Any], dict[str, Any]] = {
    ImagesConfig: {"input_path": ""},
    NetworkConfig: {},
    FeaturizeConfig: {"output_path": "", "images": ImagesConfig("")},
    FitConfig: {"output_path": ""},
    DriftConfig: {},
    ExportConfig: {"output_path": ""},
}


@dataclass(frozen=True)
class JobArguments:
    """`options` by the names of the command line's parameters; `complaints` of what is wrong."""

    given: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    complaints: tuple[InvalidValueError, ...] = ()

    def gives(self, option: str) -> bool:
        """Whether an option is given, as `--option value` or `--option=value`."""
        return any(each == option or each.startswith(f"{option}=") for each in self.given)


def job_arguments(cli: click.Command, command: str, given: Sequence[str]) -> JobArguments:
    """What `cli` reads in the arguments of one of its subcommands; nothing is run."""
    if not isinstance(cli, click.Group) or command not in cli.commands:
        return JobArguments(tuple(given))
    try:
        # No --help: it would print.
        context = cli.commands[command].make_context(command, list(given), help_option_names=[])
    except click.ClickException as problem:
        return JobArguments(tuple(given), complaints=(InvalidValueError(problem.format_message()),))
    return JobArguments(tuple(given), context.params, tuple(_complaints(context.params)))


def _complaints(options: Mapping[str, Any]) -> Iterator[InvalidValueError]:
    """What the job's own configurations say of the options."""
    for kind, needed in _CONFIGURATIONS.items():
        chosen = {each.name for each in fields(kind)} & options.keys() - {"run_id"}
        try:
            kind(**{**needed, **{name: options[name] for name in chosen}})
        except InvalidValueError as wrong:
            yield wrong
