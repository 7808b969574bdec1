"""`image-features render`: translates chart values for a target, without network access."""

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
    """Render chart values as manifests, a spark-submit command, an EMR request or IAM policies.

    Settings that the target does not support are listed on standard error, with the reason.
    """
    run_id = run_id or run_names.generate_run_id(release)
    folder = (output_dir or Path(run_names.application_name(release, run_id))).absolute()
    chart = Chart(release, namespace, run_id, values, sets)
    target_options = TargetOptions(folder, master, virtual_cluster, oidc_provider)
    rendered = TARGETS[target](chart, target_options)
    paths = [folder / name for name in rendered.files]
    _require_no_values_file([*paths, output] if output else paths, values)
    _write_target(rendered, output, folder)


def _require_no_values_file(paths: Sequence[Path], values: Sequence[Path]) -> None:
    """Raise InvalidValueError if a write to `paths` would overwrite a values file."""
    values_files = {path.resolve() for path in values}
    for path in paths:
        if path.resolve() in values_files:
            raise InvalidValueError(
                f"{path} is a file of values, which would be overwritten",
                expected="another file",
                fix="choose another --output or --output-dir",
            )


def _write_target(rendered: RenderedTarget, output: Path | None, folder: Path) -> None:
    for name, text in rendered.files.items():
        _write(folder / name, text)
    for line in format_omitted(rendered.omitted):
        click.echo(line, err=True)
    if output is None:
        click.echo(rendered.text, nl=False)
    else:
        _write(output, rendered.text)


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
