"""`image-features compare`: two or more outputs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from job.cli.options import allowed_regions_option, conf_option, debug_option, master_option
from job.cli.spark import spark_session_for
from job.errors import InvalidValueError
from job.local_pages import require_page_file, write_page
from job.path_rules import require_outside, require_plain
from job.paths import canonical_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.report.compare.outputs import ComparedOutput


@click.command()
@click.argument("outputs", metavar="OUTPUT OUTPUT...", nargs=-1, required=True)
@click.option("--html", metavar="FILE", help="Also write a page with the variance curves.")
@click.option("--json", "json_output", is_flag=True, help="Print one JSON object.")
@master_option
@conf_option
@allowed_regions_option
@debug_option
def compare(**options: Any) -> None:
    """Show outputs side by side: speed, variance curve, classifiers, size.

    OUTPUT is the --output of earlier runs; nothing is written to it.
    """
    outputs = [canonical_path(path) for path in options["outputs"]]
    _require_different(outputs)
    for output in outputs:
        require_plain("OUTPUT", output)
    if options["html"]:
        _require_html_file(options["html"], outputs)
    with spark_session_for("compare", {**options, "output_paths": outputs}, outputs[0]) as spark:
        from job.report.compare.outputs import read_output

        compared = [read_output(spark, output) for output in outputs]
    _show(compared, json_output=options["json_output"])
    if options["html"]:
        _write_page(compared, options["html"])


def _require_different(outputs: Sequence[str]) -> None:
    if len(set(outputs)) < 2:
        raise InvalidValueError(
            f"there is nothing to compare {outputs[0]} with",
            expected="two outputs or more",
            fix="name another output too",
        )


def _require_html_file(path: str, outputs: Sequence[str]) -> None:
    require_page_file("--html", path)
    for output in outputs:
        require_outside("--html", path, "the output", output)


def _show(compared: Sequence[ComparedOutput], *, json_output: bool) -> None:
    from rich.console import Console

    from job.report.compare.rows import as_json, as_table

    if json_output:
        click.echo(as_json(compared))
    else:
        Console().print(as_table(compared))


def _write_page(compared: Sequence[ComparedOutput], path: str) -> None:
    from job.report.compare.page import render_page

    click.echo(f"page: {write_page('--html', path, render_page(compared))}", err=True)
