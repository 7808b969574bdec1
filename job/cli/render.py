"""`image-features render`: values as what a target takes, without asking anybody."""

from __future__ import annotations

from pathlib import Path

import click

from job.cli.submit_options import chart_options
from job.deploy.render import run_names
from job.deploy.render.helm import Chart
from job.deploy.render.render import TARGETS, Place
from job.deploy.render.targets.common import Converted, told
from job.errors import InvalidValueError


@click.command()
@click.option("--target", required=True, type=click.Choice(list(TARGETS)), help="For whom.")
@chart_options
@click.option("--namespace", default="default", show_default=True, metavar="NS", help="Namespace.")
@click.option("--master", metavar="URL", help="API server, for spark-submit: k8s://https://...")
@click.option("--virtual-cluster", metavar="ID", help="Virtual cluster, for emr.")
@click.option(
    "--oidc-provider", default="", metavar="HOST", help="Of the cluster, for the trust in iam."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to  [default: standard output]",
)
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where files beside it go: pod templates, trust policies  "
    "[default: a folder with the name of the run]",
)
def render(
    target: str,
    values: tuple[Path, ...],
    sets: tuple[str, ...],
    release: str,
    run_id: str | None,
    namespace: str,
    master: str | None,
    virtual_cluster: str | None,
    oidc_provider: str,
    output: Path | None,
    output_dir: Path | None,
) -> None:
    """Render values for a target: objects, a spark-submit command, a request to EMR, IAM policies.

    What the target cannot take is told on standard error, with the reason.
    """
    run_id = run_id or run_names.fitting_run_id(release)
    folder = (output_dir or Path(run_names.application_name(release, run_id))).absolute()
    chart = Chart(release, namespace, run_id, values, sets)
    converted = TARGETS[target](chart, Place(folder, master, virtual_cluster, oidc_provider))
    _give(converted, output, folder)


def _give(converted: Converted, output: Path | None, folder: Path) -> None:
    for name, text in converted.files.items():
        _write(folder / name, text)
    for line in told(converted.left_out):
        click.echo(line, err=True)
    if output is None:
        click.echo(converted.text, nl=False)
    else:
        _write(output, converted.text)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise InvalidValueError(
            f"{path} cannot be written: {problem.strerror}",
            fix="choose another --output or --output-dir",
        ) from problem
    click.echo(f"written: {path}", err=True)
