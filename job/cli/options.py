"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from job.config import ImagesConfig
from job.errors import InvalidValueError

Command = TypeVar("Command", bound=Callable[..., Any])


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """One decorator of several: the same options, with the same help, on each command."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


input_option = click.option(
    "--input",
    "input_path",
    required=True,
    metavar="PATH",
    help="Folder of images: s3a://, s3:// or local.",
)
output_option = click.option(
    "--output",
    "output_path",
    required=True,
    metavar="PATH",
    help="Where tables, models and report are kept.",
)
glob_option = click.option(
    "--glob",
    default=ImagesConfig.glob,
    show_default=True,
    help="Which objects under the input.",
)
label_level_option = click.option(
    "--label-level",
    default=ImagesConfig.label_level,
    show_default=True,
    help="The label is the name of the folder this many levels up; 0: no label.",
)
conf_option = click.option(
    "--conf",
    "conf",
    multiple=True,
    metavar="KEY=VALUE",
    help="A Spark setting; may be repeated.",
)
master_option = click.option(
    "--master", metavar="URL", help="Spark master  [default: spark-submit's, else this machine]"
)
allowed_regions_option = click.option(
    "--allowed-regions",
    default="",
    metavar="PATTERNS",
    help="Regions that buckets may be in, such as eu-*,us-east-1  [default: any]",
)
debug_option = click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
# Of each command that writes to an output.
common_options = together(
    click.option(
        "--run-id",
        envvar="IMAGE_FEATURES_RUN_ID",
        metavar="ID",
        help="Name of this run  [default: time and a random part]",
    ),
    conf_option,
    master_option,
    click.option(
        "--claim-seconds",
        type=click.FloatRange(min=1),
        default=60,
        show_default=True,
        help="Another run may take over the output when this one was silent for so long.",
    ),
    allowed_regions_option,
    debug_option,
)


def spark_settings(pairs: Sequence[str]) -> dict[str, str]:
    """What `--conf` gave, by key. Raises InvalidValueError for what is no KEY=VALUE."""
    for pair in pairs:
        if "=" not in pair:
            raise InvalidValueError(
                f"--conf is {pair!r}", expected="KEY=VALUE", fix="write --conf spark.key=value"
            )
    return dict(pair.split("=", 1) for pair in pairs)
