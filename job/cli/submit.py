"""`image-features submit`: submits runs to Kubernetes and EMR, and follows them."""

from __future__ import annotations

from pathlib import Path

import click

from job.cli.submit_options import (
    chart_options,
    cluster_options,
    required_virtual_cluster_option,
    virtual_cluster_option,
    wait_options,
)
from job.deploy.render import run_names
from job.deploy.render.helm import APPLICATION, Chart
from job.deploy.render.render import render_job_run
from job.deploy.render.targets.common import format_omitted
from job.deploy.submit import apply, tables
from job.deploy.submit.cluster import Cluster
from job.deploy.submit.emr.runs import EmrRunStore
from job.deploy.submit.emr.submit import submit as submit_to_emr
from job.deploy.submit.emr.virtual_cluster import VirtualCluster
from job.deploy.submit.kubernetes_runs import KubernetesRunStore
from job.deploy.submit.run_store import RunStore
from job.deploy.submit.spark_application import RunStatus
from job.deploy.submit.watch import follow_run
from job.errors import InvalidValueError, NoSuchObjectError


@click.group()
def submit() -> None:
    """Submit runs to a cluster or to EMR on EKS, follow them, show their state."""


@submit.command("kubernetes")
@chart_options
@wait_options
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

    Prints the name of the run on standard output. An existing run is never changed: with the same
    --run-id the command submits nothing; with --wait it follows the run.
    """
    _require_wait(timeout, wait)
    run_id = run_id or run_names.generate_run_id(release)
    application = run_names.application_name(release, run_id)
    cluster = Cluster(context, namespace)
    chart = Chart(release, cluster.namespace, run_id, values, sets)
    submission = apply.submit(cluster, chart, application, single_run=wait)
    _report_submission(KubernetesRunStore(cluster), submission, wait, timeout)


@submit.command("emr")
@required_virtual_cluster_option
@chart_options
@wait_options
def submit_emr(
    virtual_cluster: str,
    values: tuple[Path, ...],
    sets: tuple[str, ...],
    release: str,
    run_id: str | None,
    wait: bool,
    timeout: float | None,
) -> None:
    """Turn the chart into a job run of EMR on EKS, and start it.

    Prints the id of the job run on standard output. With the same --run-id the command starts
    nothing; with --wait it follows the run.
    """
    _require_wait(timeout, wait)
    run_id = run_id or run_names.generate_run_id(release)
    run_names.application_name(release, run_id)
    # The virtual cluster sets the namespace; a job run does not name one.
    run = render_job_run(Chart(release, "default", run_id, values, sets), virtual_cluster)
    for line in format_omitted(run.omitted):
        _print_error(line)
    store = EmrRunStore(VirtualCluster(virtual_cluster))
    _report_submission(store, submit_to_emr(store.cluster, run), wait, timeout)


@submit.command("status")
@click.argument("name")
@cluster_options
@virtual_cluster_option
def submit_status(
    name: str, context: str | None, namespace: str | None, virtual_cluster: str | None
) -> None:
    """Show the state of a run, its progress, and why it failed."""
    run = _run_status(_run_store(context, namespace, virtual_cluster), name)
    tables.print_table(tables.status_table(run))


@submit.command("logs")
@click.argument("name")
@click.option("--follow", is_flag=True, help="Stream the log until the pod ends.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Show only the last N lines.")
@click.option(
    "--executor", type=click.IntRange(min=1), metavar="N", help="Show the log of executor N."
)
@cluster_options
@virtual_cluster_option
def submit_logs(
    name: str,
    follow: bool,
    tail: int | None,
    executor: int | None,
    context: str | None,
    namespace: str | None,
    virtual_cluster: str | None,
) -> None:
    """Print the log of a run's driver or of one executor."""
    store = _run_store(context, namespace, virtual_cluster)
    run = _run_status(store, name)
    for line in store.read_log(run, _print_error, tail=tail, follow=follow, executor=executor):
        click.echo(line)


@submit.command("cancel")
@click.argument("name")
@required_virtual_cluster_option
def submit_cancel(name: str, virtual_cluster: str) -> None:
    """Stop a run on EMR; its output stays. To stop a run on a cluster, use `delete`."""
    store = EmrRunStore(VirtualCluster(virtual_cluster))
    run = _run_status(store, name)
    if run.has_ended:
        click.echo(f"{name} has ended as {run.state}: nothing is cancelled")
    else:
        store.cluster.cancel(name)
        click.echo(f"{name} is being cancelled; its output stays")


@submit.command("delete")
@click.argument("name")
@cluster_options
def submit_delete(name: str, context: str | None, namespace: str | None) -> None:
    """Stop a run and remove it from the cluster; its output stays."""
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
@virtual_cluster_option
def submit_list(context: str | None, namespace: str | None, virtual_cluster: str | None) -> None:
    """List the runs in a namespace or of a virtual cluster."""
    store = _run_store(context, namespace, virtual_cluster)
    runs = store.list_runs()
    if runs:
        tables.print_table(tables.runs_table(runs))
    else:
        click.echo(f"there are no runs in {store.location}")


def _run_store(context: str | None, namespace: str | None, virtual_cluster: str | None) -> RunStore:
    if virtual_cluster is None:
        return KubernetesRunStore(Cluster(context, namespace))
    if context or namespace:
        raise InvalidValueError(
            f"--virtual-cluster is {virtual_cluster}, and there is --context or --namespace too",
            expected="EMR or a cluster",
            fix="leave out one of them",
        )
    return EmrRunStore(VirtualCluster(virtual_cluster))


def _require_wait(timeout: float | None, wait: bool) -> None:
    if timeout is not None and not wait:
        raise InvalidValueError("--timeout is of a run that is followed", fix="add --wait")


def _report_submission(
    store: RunStore, submission: apply.Submission, wait: bool, timeout: float | None
) -> None:
    """Print the name of a submitted run, and follow the run if `wait`."""
    state = "submitted" if submission.is_new else "exists already, nothing is submitted"
    _print_error(f"{submission.name}: {state}")
    click.echo(submission.name)
    if wait:
        follow_run(store, submission.name, timeout)


def _run_status(store: RunStore, name: str) -> RunStatus:
    try:
        return store.status(name)
    except NoSuchObjectError as missing:
        raise InvalidValueError(
            f"there is no run {name!r} in {store.location}",
            fix=f"`image-features submit list {store.options}` shows what there is",
        ) from missing


def _print_error(text: str) -> None:
    click.echo(text, err=True)
