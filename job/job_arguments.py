"""The arguments of a job, parsed and checked before the job runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from job.config import CONFIGS
from job.errors import InvalidValueError
from job.option import problems


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
    """Parse and check the arguments of one of the subcommands of `cli`; nothing is run."""
    if not isinstance(cli, click.Group) or command not in cli.commands:
        return JobArguments(tuple(given))
    try:
        # No --help: it would print.
        context = cli.commands[command].make_context(command, list(given), help_option_names=[])
    except click.ClickException as problem:
        return JobArguments(tuple(given), complaints=(InvalidValueError(problem.format_message()),))
    except InvalidValueError as problem:
        return JobArguments(tuple(given), complaints=(problem,))
    found = problems(CONFIGS[command], context.params) if command in CONFIGS else ()
    return JobArguments(tuple(given), context.params, tuple(found))
