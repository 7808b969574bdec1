"""`image-features doctor`: what would stop a run, before it starts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from job.checks import CheckResult, run_checks
from job.cli.options import conf_option, spark_settings
from job.cli.submit_options import cluster_options, optional_chart_options
from job.deploy.doctor.context import ClientContext
from job.deploy.doctor.formatting import as_json, as_text, require_no_failures, summarize
from job.deploy.doctor.registry import CLIENT_CHECKS
from job.deploy.render import run_names
from job.deploy.render.helm import Chart
from job.deploy.submit.cluster import Cluster
from job.errors import InvalidValueError
from job.job_arguments import JobArguments, job_arguments


@click.command()
@optional_chart_options
@cluster_options
@click.option("--in-cluster", is_flag=True, help="Check from here, as the driver of a run would.")
@conf_option
@click.option("--json", "json_output", is_flag=True, help="Print one JSON object at the end.")
@click.argument("job", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND ARGUMENTS...]")
@click.pass_context
def doctor(
    click_context: click.Context,
    values: tuple[Path, ...],
    sets: tuple[str, ...],
    release: str,
    run_id: str | None,
    context: str | None,
    namespace: str | None,
    in_cluster: bool,
    conf: tuple[str, ...],
    json_output: bool,
    job: tuple[str, ...],
) -> None:
    """Say what would stop a run, and the fix, before anything is started.

    With --values the cluster is asked, from where you are. With --in-cluster it is looked from
    inside, with the settings, credentials and paths of the run that COMMAND and its ARGUMENTS
    name: `helm test` does that in a pod of the release.
    """
    cli = click_context.find_root().command
    _require_one_place(values, in_cluster, job)
    if in_cluster:
        # Spark is imported only now: a person's machine need not have it.
        from job.pipeline.in_cluster.context import InClusterContext
        from job.pipeline.in_cluster.registry import IN_CLUSTER_CHECKS

        subject = InClusterContext(_job_of(cli, job), spark_settings(conf))
        _tell(run_checks(IN_CLUSTER_CHECKS, subject), json_output)
        return
    cluster = Cluster(context, namespace)
    chart = _chart(values, sets, release, run_id, cluster.namespace)
    _tell(run_checks(CLIENT_CHECKS, ClientContext(cluster, chart, cli)), json_output)


def _require_one_place(values: tuple[Path, ...], in_cluster: bool, job: tuple[str, ...]) -> None:
    if in_cluster == bool(values):
        both = "both" if values else "neither"
        raise InvalidValueError(
            f"there is {both} of --values and --in-cluster",
            expected="values of the chart, or to look from inside",
            fix="give one of them",
        )
    if job and not in_cluster:
        raise InvalidValueError(
            f"{job[0]!r} is named, and --in-cluster is not",
            expected="the run that the values name",
            fix="leave it out, or add --in-cluster",
        )


def _chart(
    values: tuple[Path, ...],
    sets: tuple[str, ...],
    release: str,
    run_id: str | None,
    namespace: str,
) -> Chart:
    run_id = run_id or run_names.generate_run_id(release)
    run_names.application_name(release, run_id)
    return Chart(release, namespace, run_id, values, sets)


def _job_of(cli: click.Command, words: tuple[str, ...]) -> JobArguments:
    """The arguments of the run that is to be. Raises InvalidValueError for wrong ones."""
    if not words:
        raise InvalidValueError(
            "--in-cluster looks for a run, and none is named",
            expected="a command and its arguments after --",
            fix="add -- run --input s3a://... --output s3a://...",
        )
    command, *given = words
    arguments = job_arguments(cli, command, given)
    for complaint in arguments.complaints:
        raise complaint
    return arguments


def _tell(outcomes: Iterable[CheckResult], json_output: bool) -> None:
    """Show each outcome as it comes, or all as JSON; raise where something is wrong."""
    known = []
    for outcome in outcomes:
        known.append(outcome)
        if not json_output:
            click.echo(as_text(outcome))
    if json_output:
        click.echo(as_json(known))
    require_no_failures(known)
    click.echo(summarize(known), err=True)
