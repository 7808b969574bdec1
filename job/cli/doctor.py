"""`image-features doctor`: finds what would stop a run, before the run starts."""

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
    """Show what would stop a run, and the fix, before the run starts.

    --values checks the cluster from this machine. --in-cluster checks from inside the cluster, with
    the settings, credentials and paths of the run that COMMAND and its ARGUMENTS name: `helm test`
    does that in a pod of the release.
    """
    cli = click_context.find_root().command
    _require_one_place(values, in_cluster, job)
    if in_cluster:
        # A late import: checks of a client need no Spark.
        from job.pipeline.in_cluster.context import InClusterContext
        from job.pipeline.in_cluster.registry import IN_CLUSTER_CHECKS

        in_cluster_context = InClusterContext(_parse_job(cli, job), spark_settings(conf))
        _report(run_checks(IN_CLUSTER_CHECKS, in_cluster_context), json_output)
        return
    cluster = Cluster(context, namespace)
    chart = _chart(values, sets, release, run_id, cluster.namespace)
    _report(run_checks(CLIENT_CHECKS, ClientContext(cluster, chart, cli)), json_output)


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


def _parse_job(cli: click.Command, words: tuple[str, ...]) -> JobArguments:
    """Parse the arguments of the planned run. Raises InvalidValueError."""
    if not words:
        raise InvalidValueError(
            "--in-cluster looks for a run, and none is named",
            expected="a command and its arguments after --",
            fix="add -- run --input s3a://... --output s3a://...",
        )
    command, *options = words
    arguments = job_arguments(cli, command, options)
    for problem in arguments.errors:
        raise problem
    return arguments


def _report(results: Iterable[CheckResult], json_output: bool) -> None:
    """Print each result as soon as it is known, or all as JSON. Raises if a check failed."""
    reported = []
    for result in results:
        reported.append(result)
        if not json_output:
            click.echo(as_text(result))
    if json_output:
        click.echo(as_json(reported))
    require_no_failures(reported)
    click.echo(summarize(reported), err=True)
