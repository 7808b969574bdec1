"""`image-features compare`: two or more outputs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from job.cli.options import allowed_regions_option, conf_option, debug_option, master_option
from job.cli.spark import path_given, spark_of
from job.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.report.compare.outputs import Side


@click.command()
@click.argument("outputs", metavar="OUTPUT OUTPUT...", nargs=-1, required=True)
@click.option("--html", metavar="FILE", help="Write a page with the variance curves too.")
@click.option("--json", "as_text", is_flag=True, help="Print JSON instead of a table.")
@master_option
@conf_option
@allowed_regions_option
@debug_option
def compare(**options: Any) -> None:
    """Show outputs side by side: speed, variance curve, classifiers, size.

    Nothing is written to them. OUTPUT is the --output of earlier runs.
    """
    outputs = [path_given(each) for each in options["outputs"]]
    _require_different(outputs)
    with spark_of("compare", {**options, "output_paths": outputs}, outputs[0]) as spark:
        from job.report.compare.outputs import read_side

        sides = [read_side(spark, each) for each in outputs]
    _show(sides, as_text=options["as_text"])
    if options["html"]:
        _write_page(sides, Path(options["html"]))


def _require_different(outputs: Sequence[str]) -> None:
    if len(set(outputs)) < 2:
        raise InvalidValueError(
            f"there is nothing to compare {outputs[0]} with",
            expected="two outputs or more",
            fix="name another output too",
        )


def _show(sides: Sequence[Side], *, as_text: bool) -> None:
    from rich.console import Console

    from job.report.compare.rows import as_json, as_table

    if as_text:
        click.echo(as_json(sides))
    else:
        Console().print(as_table(sides))


def _write_page(sides: Sequence[Side], path: Path) -> None:
    from job.report.compare.page import render_page

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_page(sides), encoding="utf-8")
    click.echo(f"page: {path}", err=True)
