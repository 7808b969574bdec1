"""`image-features lint`: finds errors in chart values, without a cluster."""

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
    "output_format",
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
    output_format: str,
) -> None:
    """Show what is wrong with chart values, why, and the fix.

    VALUES are files as for `submit kubernetes`; later ones win. No cluster is needed.
    """
    node = Node(
        memory=parse_kubernetes_memory(node_memory) if node_memory else None,
        cores=parse_cpu(node_cores) if node_cores else None,
    )
    chart = Chart(release, "default", run_id, values, sets)
    findings = lint_chart(chart, node, context.find_root().command)
    if findings or output_format == "json":
        click.echo(as_json(findings) if output_format == "json" else as_text(findings))
    counts = FindingCounts.of(findings)
    names = " ".join(map(str, values))
    if counts.errors or (strict and counts.warnings):
        raise InvalidValueError(f"{names}: {counts}")
    click.echo(f"{names}: {counts if findings else 'nothing is wrong'}", err=True)
