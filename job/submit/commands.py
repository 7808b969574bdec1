"""`image-features submit`: runs on clusters, from where a person or CI is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from job.errors import InvalidValueError
from job.submit import apply, listed, logs, names
from job.submit.answers import NoSuchObjectError
from job.submit.application import Observed
from job.submit.cluster import Cluster
from job.submit.follow import follow_to_its_end, observe
from job.submit.rendered import APPLICATION, Chart

Command = TypeVar("Command", bound=Callable[..., Any])


def cluster_options(command: Command) -> Command:
    """Which cluster, and which namespace of it."""
    for option in (
        click.option("--context", metavar="CTX", help="Context of the kubeconfig."),
        click.option("--namespace", metavar="NS", help="Namespace  [default: the context's]"),
    ):
        command = option(command)
    return command


@click.group()
def submit() -> None:
    """Submit runs to a Kubernetes cluster, follow them, see what became of them."""


@submit.command("kubernetes")
@click.option(
    "--values",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Values of the chart; may be repeated, later ones win.",
)
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="One value of the chart.")
@click.option("--release", default="image-features", show_default=True, help="Whose run it is.")
@click.option("--run-id", metavar="ID", help="Name of this run  [default: time and a random part]")
@click.option("--wait", is_flag=True, help="Follow the run; end with its exit code.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Follow it for so long at most; then end with 124.",
)
@cluster_options
def submit_kubernetes(
    values: tuple[Path, ...],
    sets: tuple[str, ...],
    release: str,
    run_id: str | None,
    wait: bool,
    timeout: float | None,
    context: str | None,
    namespace: str | None,
) -> None:
    """Render the chart, check it against the cluster, apply it.

    Prints the name of the run on standard output. A run that exists is never changed: the same
    command with the same --run-id does nothing again, and follows the run with --wait.
    """
    if timeout is not None and not wait:
        raise InvalidValueError("--timeout is of a run that is followed", fix="add --wait")
    run_id = run_id or names.fitting_run_id(release)
    application = names.application_name(release, run_id)
    cluster = Cluster(context, namespace)
    chart = Chart(release, cluster.namespace, run_id, values, sets)
    submitted = apply.submit(cluster, chart, application, one_run=wait)
    what = "submitted" if submitted.is_new else "exists already, nothing is submitted"
    click.echo(f"{submitted.name}: {what}", err=True)
    click.echo(submitted.name)
    if wait:
        follow_to_its_end(cluster, submitted.name, timeout)


@submit.command("status")
@click.argument("name")
@cluster_options
def submit_status(name: str, context: str | None, namespace: str | None) -> None:
    """One run: its state, how far it is, why it failed."""
    run = _observed(Cluster(context, namespace), name)
    listed.show(listed.details(run))


@submit.command("logs")
@click.argument("name")
@click.option("--follow", is_flag=True, help="Go on until the pod ends.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
@click.option("--executor", type=click.IntRange(min=1), metavar="N", help="Of this executor.")
@cluster_options
def submit_logs(
    name: str,
    follow: bool,
    tail: int | None,
    executor: int | None,
    context: str | None,
    namespace: str | None,
) -> None:
    """What the driver of a run has said, or one of its executors."""
    cluster = Cluster(context, namespace)
    run = _observed(cluster, name)
    pod = run.driver if executor is None else logs.executor_pod(cluster, name, executor)
    for line in logs.lines(cluster, pod, tail=tail, follow=follow, say=_say):
        click.echo(line)


@submit.command("delete")
@click.argument("name")
@cluster_options
def submit_delete(name: str, context: str | None, namespace: str | None) -> None:
    """Stop a run if it works, and remove it from the cluster; its output stays."""
    cluster = Cluster(context, namespace)
    try:
        cluster.delete(apply.API_VERSION, APPLICATION, name)
    except NoSuchObjectError:
        click.echo(f"there is no run {name} in {cluster.namespace}: nothing is deleted")
    else:
        click.echo(
            f"deleted {name}; its output stays, and so do the accounts and rules of its release"
        )


@submit.command("list")
@cluster_options
def submit_list(context: str | None, namespace: str | None) -> None:
    """The runs in a namespace."""
    cluster = Cluster(context, namespace)
    runs = listed.runs(cluster)
    if runs:
        listed.show(listed.table(runs))
    else:
        click.echo(f"there are no runs in {cluster.namespace}")


def _observed(cluster: Cluster, name: str) -> Observed:
    try:
        return observe(cluster, name)
    except NoSuchObjectError as missing:
        raise InvalidValueError(
            f"there is no run {name!r} in {cluster.namespace}",
            fix="`image-features submit list` shows what there is",
        ) from missing


def _say(text: str) -> None:
    click.echo(text, err=True)
