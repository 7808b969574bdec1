"""`image-features lint`: what is wrong with values before anything starts."""

from __future__ import annotations

from pathlib import Path

import click

from job.deploy.lint.context import Node
from job.deploy.lint.formatting import Count, as_json, as_text
from job.deploy.lint.runner import findings
from job.deploy.render.helm import Chart
from job.errors import InvalidValueError
from job.quantities import cpu, kubernetes_bytes


@click.command()
@click.argument(
    "values", required=True, nargs=-1, type=click.Path(path_type=Path), metavar="VALUES..."
)
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="One value of the chart.")
@click.option("--release", default="image-features", show_default=True, help="Whose run it is.")
@click.option("--run-id", metavar="ID", help="Name of the run  [default: that of the values]")
@click.option("--node-memory", metavar="SIZE", help="Memory of a node, such as 16Gi.")
@click.option("--node-cores", metavar="N", help="Cores of a node, such as 4.")
@click.option("--strict", is_flag=True, help="End with 2 for warnings too.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
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
        memory=kubernetes_bytes(node_memory) if node_memory else None,
        cores=cpu(node_cores) if node_cores else None,
    )
    chart = Chart(release, "default", run_id, values, sets)
    found = findings(chart, node, context.find_root().command)
    if found or form == "json":
        click.echo(as_json(found) if form == "json" else as_text(found))
    count = Count.of(found)
    names = " ".join(map(str, values))
    if count.errors or (strict and count.warnings):
        raise InvalidValueError(f"{names}: {count}")
    click.echo(f"{names}: {count if found else 'nothing is wrong'}", err=True)
