"""`image-features render`: values as what a target takes, without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from job.cli.submit_options import chart_options
from job.deploy.render import run_names
from job.deploy.render.helm import Chart
from job.deploy.render.render import TARGETS, TargetOptions
from job.deploy.render.targets.common import RenderedTarget, format_omitted
from job.errors import InvalidValueError


@click.command()
@click.option("--target", required=True, type=click.Choice(list(TARGETS)), help="Target platform.")
@chart_options
@click.option(
    "--namespace", default="default", show_default=True, metavar="NS", help="Kubernetes namespace."
)
@click.option("--master", metavar="URL", help="API server for spark-submit: k8s://https://...")
@click.option("--virtual-cluster", metavar="ID", help="EMR virtual cluster, for emr.")
@click.option(
    "--oidc-provider",
    default="",
    metavar="HOST",
    help="OIDC provider of the cluster, for the trust policies of iam.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    show_default="standard output",
    help="File to write.",
)
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    show_default="a folder with the name of the run",
    help="Folder for pod templates and trust policies.",
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
    run_id = run_id or run_names.generate_run_id(release)
    folder = (output_dir or Path(run_names.application_name(release, run_id))).absolute()
    chart = Chart(release, namespace, run_id, values, sets)
    converted = TARGETS[target](
        chart, TargetOptions(folder, master, virtual_cluster, oidc_provider)
    )
    written = [folder / name for name in converted.files]
    _require_other_files([*written, output] if output else written, values)
    _give(converted, output, folder)


def _require_other_files(written: Sequence[Path], values: Sequence[Path]) -> None:
    """Raise InvalidValueError where a values file would be overwritten."""
    read = {path.resolve() for path in values}
    for path in written:
        if path.resolve() in read:
            raise InvalidValueError(
                f"{path} is a file of values, which would be overwritten",
                expected="another file",
                fix="choose another --output or --output-dir",
            )


def _give(converted: RenderedTarget, output: Path | None, folder: Path) -> None:
    for name, text in converted.files.items():
        _write(folder / name, text)
    for line in format_omitted(converted.omitted):
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
