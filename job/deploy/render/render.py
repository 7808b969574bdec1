"""From values to what a target takes: the chart is rendered, then converted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from job.deploy.render.helm import (
    APPLICATION,
    EMR_API,
    EMR_JOB_RUN,
    SCHEDULE,
    Chart,
    Manifest,
    merged_values,
    render,
    the_one,
)
from job.deploy.render.targets import emr, iam, kubernetes, spark_submit
from job.deploy.render.targets.common import Converted, LeftOut
from job.deploy.render.targets.key_mapping import ONE_RUN
from job.errors import InvalidValueError


@dataclass(frozen=True)
class OneRun:
    """A chart rendered as one run: the application, and the objects that it needs beside it."""

    application: Manifest
    beside: Sequence[Manifest]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a target is, which the chart does not say; files of the target go to `folder`."""

    folder: Path
    master: str | None = None
    virtual_cluster: str | None = None
    oidc_provider: str = ""


def one_run(chart: Chart, api_versions: Sequence[str] = ()) -> OneRun:
    """The chart as one run, of values with a schedule too. Raises what `rendered.render` raises."""
    manifests = render(chart, api_versions)
    left_out: tuple[LeftOut, ...] = ()
    if the_one(SCHEDULE, manifests):
        left_out = tuple(LeftOut(name, why) for name, why in ONE_RUN.items())
        manifests = render(replace(chart, sets=(*chart.sets, "schedule=")), api_versions)
    application = the_one(APPLICATION, manifests)
    assert application is not None
    return OneRun(application, [each for each in manifests if each is not application], left_out)


def to_kubernetes(chart: Chart, _: Place) -> Converted:
    """All objects of the chart, for one run."""
    run = one_run(chart)
    return _with(run, kubernetes.as_run([*run.beside, run.application]))


def to_scheduled(chart: Chart, _: Place) -> Converted:
    """All objects of the chart, for a schedule. Raises InvalidValueError without one."""
    return kubernetes.as_schedule(render(chart))


def to_spark_submit(chart: Chart, place: Place) -> Converted:
    """A shell command. Raises InvalidValueError without a master."""
    if not place.master:
        raise InvalidValueError(
            "--target is spark-submit, and there is no --master",
            expected="the address of the cluster's API server",
            fix="--master k8s://$(kubectl config view --minify "
            "--output 'jsonpath={.clusters[0].cluster.server}')",
        )
    run = one_run(chart)
    return _with(
        run, spark_submit.converted(run.application, run.beside, place.master, place.folder)
    )


def to_emr(chart: Chart, place: Place) -> Converted:
    """A StartJobRun request. Raises InvalidValueError without a virtual cluster."""
    if not place.virtual_cluster:
        raise InvalidValueError(
            "--target is emr, and there is no --virtual-cluster",
            expected="the id of a virtual cluster",
            fix="`aws emr-containers list-virtual-clusters` shows them",
        )
    return job_run(chart, place.virtual_cluster).as_text()


def job_run(chart: Chart, virtual_cluster: str) -> emr.JobRunToStart:
    """The chart as a job run of EMR. Raises InvalidValueError for values that EMR cannot take."""
    run, asked = _of_emr(chart)
    found = emr.converted(run.application, run.beside, asked, virtual_cluster)
    return replace(found, left_out=(*run.left_out, *found.left_out))


def to_iam(chart: Chart, place: Place) -> Converted:
    """The rights of a run, on EMR where the values name an execution role."""
    on_emr = merged_values(chart)["emr"]["executionRoleArn"]
    run, asked = _of_emr(chart) if on_emr else (one_run(chart), None)
    # A schedule needs the rights of one of its runs: nothing of it is left out.
    return iam.converted(run.application, run.beside, asked, place.oidc_provider)


TARGETS: Mapping[str, Callable[[Chart, Place], Converted]] = {
    "kubernetes": to_kubernetes,
    "scheduled": to_scheduled,
    "spark-submit": to_spark_submit,
    "emr": to_emr,
    "iam": to_iam,
}


def _of_emr(chart: Chart) -> tuple[OneRun, Manifest]:
    """The chart as one run, and what it tells EMR alone."""
    run = one_run(chart, [EMR_API])
    asked = the_one(EMR_JOB_RUN, run.beside)
    assert asked is not None
    return replace(run, beside=[each for each in run.beside if each is not asked]), asked


def _with(run: OneRun, converted: Converted) -> Converted:
    return replace(converted, left_out=(*run.left_out, *converted.left_out))
