"""`image-features lint`: what is wrong with values before anything starts."""

from __future__ import annotations

from pathlib import Path

import click

from job.deploy.lint.context import Node
from job.deploy.lint.formatting import FindingCounts, as_json, as_text
from job.deploy.lint.runner import lint_chart
from job.deploy.render.helm import Chart
from job.errors import InvalidValueError
from job.quantities import parse_cpu, parse_kubernetes_memory


@click.command()
@click.argument(
    "values", required=True, nargs=-1, type=click.Path(path_type=Path), metavar="VALUES..."
)
@click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="A chart value; repeatable."
)
@click.option("--release", default="image-features", show_default=True, help="Helm release name.")
@click.option("--run-id", metavar="ID", show_default="that of the values", help="Name of this run.")
@click.option("--node-memory", metavar="SIZE", help="Memory of each node, such as 16Gi.")
@click.option("--node-cores", metavar="N", help="Cores of each node, such as 4.")
@click.option("--strict", is_flag=True, help="Exit with 2 for warnings too.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the findings.",
)
@click.pass_context
def lint(
    context: click.Context,
    values: tuple[Path, ...],
    sets: tuple[str, ...],
    release: str,
    run_id: str | None,
    node_memory: str | None,
    node_cores: str | None,
    strict: bool,
    form: str,
) -> None:
    """Say what is wrong with values of the chart: what, why, and the fix.

    VALUES are files as `submit kubernetes` takes them; later ones win. No cluster is asked.
    """
    node = Node(
        memory=parse_kubernetes_memory(node_memory) if node_memory else None,
        cores=parse_cpu(node_cores) if node_cores else None,
    )
    chart = Chart(release, "default", run_id, values, sets)
    found = lint_chart(chart, node, context.find_root().command)
    if found or form == "json":
        click.echo(as_json(found) if form == "json" else as_text(found))
    count = FindingCounts.of(found)
    names = " ".join(map(str, values))
    if count.errors or (strict and count.warnings):
        raise InvalidValueError(f"{names}: {count}")
    click.echo(f"{names}: {count if found else 'nothing is wrong'}", err=True)
