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
    """Arguments of a job: `options` by parameter name, and the `errors` of wrong ones."""

    words: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[InvalidValueError, ...] = ()

    def contains(self, option: str) -> bool:
        """Whether the option is among the arguments, as `--option value` or `--option=value`."""
        return any(word == option or word.startswith(f"{option}=") for word in self.words)


def job_arguments(cli: click.Command, command: str, words: Sequence[str]) -> JobArguments:
    """Parse and check the arguments of a subcommand of `cli`, without running it."""
    if not isinstance(cli, click.Group) or command not in cli.commands:
        return JobArguments(tuple(words))
    try:
        # Without --help, which would print.
        context = cli.commands[command].make_context(command, list(words), help_option_names=[])
    except click.ClickException as problem:
        return JobArguments(tuple(words), errors=(InvalidValueError(problem.format_message()),))
    except InvalidValueError as problem:
        return JobArguments(tuple(words), errors=(problem,))
    errors = problems(CONFIGS[command], context.params) if command in CONFIGS else ()
    return JobArguments(tuple(words), context.params, tuple(errors))
