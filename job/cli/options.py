"""Options that several commands share and that are not fields of a config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from job.config import LEASE_SECONDS, new_run_id
from job.errors import InvalidValueError
from job.path_rules import SPECIAL_CHARACTERS

Command = TypeVar("Command", bound=Callable[..., Any])


def option_group(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Combine options into one decorator, so that commands share them with their help."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def renamed_option(old_flag: str, new_flag: str) -> Callable[[Command], Command]:
    """A hidden option of earlier releases; its use raises InvalidValueError with the new name."""

    def refuse(_context: click.Context, _parameter: click.Parameter, value: object) -> None:
        if value is not None:
            raise InvalidValueError(f"{old_flag} was renamed", fix=f"use {new_flag}")

    # Eager: checked before the other options, whose errors would hide this one.
    return click.option(old_flag, hidden=True, expose_value=False, is_eager=True, callback=refuse)


conf_option = click.option(
    "--conf",
    "conf",
    multiple=True,
    metavar="KEY=VALUE",
    help="A Spark setting; repeatable.",
)
master_option = click.option(
    "--master",
    metavar="URL",
    show_default="that of spark-submit, else this machine",
    help="Spark master.",
)
allowed_regions_option = click.option(
    "--allowed-regions",
    default="",
    metavar="PATTERNS",
    show_default="any",
    help="Regions that buckets may be in, such as eu-*,us-east-1.",
)
prices_option = click.option(
    "--prices",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Price table (YAML); job/analysis/cost/prices.yaml is an example.",
)
debug_option = click.option("--debug", is_flag=True, help="Show the traceback of a failure.")


def _check_run_id(
    _context: click.Context, _parameter: click.Parameter, run_id: str | None
) -> str | None:
    """Raise InvalidValueError for an id that is not a file name, such as `../x`."""
    if run_id and (run_id in (".", "..") or set(run_id) & set(f"/{SPECIAL_CHARACTERS}")):
        raise InvalidValueError(
            f"--run-id is {run_id!r}",
            expected=f"a name of a file, without / {' '.join(SPECIAL_CHARACTERS)}",
            fix="use letters, digits, - and .",
        )
    return run_id


# For commands that write to an output.
common_options = option_group(
    click.option(
        "--run-id",
        envvar="IMAGE_FEATURES_RUN_ID",
        metavar="ID",
        callback=_check_run_id,
        show_default="time and a random part",
        help="Name of this run.",
    ),
    conf_option,
    master_option,
    click.option(
        "--lease-seconds",
        type=click.FloatRange(min=1),
        default=LEASE_SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="Another run may take over the output if this one does not renew its lease this long.",
    ),
    renamed_option("--claim-seconds", "--lease-seconds"),
    allowed_regions_option,
    debug_option,
)


def run_id_of(options: Mapping[str, Any]) -> str:
    """The run id that the user chose, else a new one."""
    return options["run_id"] or new_run_id()


def spark_settings(pairs: Sequence[str]) -> dict[str, str]:
    """The settings of `--conf` by key. Raises InvalidValueError for a text without `=`."""
    for pair in pairs:
        if "=" not in pair:
            raise InvalidValueError(
                f"--conf is {pair!r}", expected="KEY=VALUE", fix="write --conf spark.key=value"
            )
    return dict(pair.split("=", 1) for pair in pairs)
