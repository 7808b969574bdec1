"""Renders the chart and converts it for a target."""

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
    find_kind,
    merge_values,
    render,
)
from job.deploy.render.targets import emr, iam, kubernetes, spark_submit
from job.deploy.render.targets.common import OmittedField, RenderedTarget
from job.deploy.render.targets.key_mapping import SINGLE_RUN
from job.errors import InvalidValueError


@dataclass(frozen=True)
class RenderedRun:
    """A chart rendered as one run: the application, and the other objects that it needs."""

    application: Manifest
    extra_objects: Sequence[Manifest]
    omitted: tuple[OmittedField, ...] = ()


@dataclass(frozen=True)
class TargetOptions:
    """Options of a target that are not part of the chart; `folder` is for its extra files."""

    folder: Path
    master: str | None = None
    virtual_cluster: str | None = None
    oidc_provider: str = ""


def render_run(chart: Chart, api_versions: Sequence[str] = ()) -> RenderedRun:
    """The chart as one run, even if the values have a schedule. Raises what `render` raises."""
    manifests = render(chart, api_versions)
    omitted: tuple[OmittedField, ...] = ()
    if find_kind(SCHEDULE, manifests):
        omitted = tuple(OmittedField(name, why) for name, why in SINGLE_RUN.items())
        manifests = render(replace(chart, sets=(*chart.sets, "schedule=")), api_versions)
    application = find_kind(APPLICATION, manifests)
    assert application is not None
    return RenderedRun(
        application, [manifest for manifest in manifests if manifest is not application], omitted
    )


def to_kubernetes(chart: Chart, _: TargetOptions) -> RenderedTarget:
    """All objects of the chart, for one run."""
    run = render_run(chart)
    return _add_omitted(run, kubernetes.as_run([*run.extra_objects, run.application]))


def to_scheduled(chart: Chart, _: TargetOptions) -> RenderedTarget:
    """All objects of the chart, for a schedule. Raises InvalidValueError without one."""
    return kubernetes.as_schedule(render(chart))


def to_spark_submit(chart: Chart, options: TargetOptions) -> RenderedTarget:
    """A shell command. Raises InvalidValueError without a master."""
    if not options.master:
        raise InvalidValueError(
            "--target is spark-submit, and there is no --master",
            expected="the address of the cluster's API server",
            fix="--master k8s://$(kubectl config view --minify "
            "--output 'jsonpath={.clusters[0].cluster.server}')",
        )
    run = render_run(chart)
    return _add_omitted(
        run,
        spark_submit.convert(run.application, run.extra_objects, options.master, options.folder),
    )


def to_emr(chart: Chart, options: TargetOptions) -> RenderedTarget:
    """A StartJobRun request. Raises InvalidValueError without a virtual cluster."""
    if not options.virtual_cluster:
        raise InvalidValueError(
            "--target is emr, and there is no --virtual-cluster",
            expected="the id of a virtual cluster",
            fix="`aws emr-containers list-virtual-clusters` shows them",
        )
    return render_job_run(chart, options.virtual_cluster).as_rendered_target()


def render_job_run(chart: Chart, virtual_cluster: str) -> emr.JobRunRequest:
    """The chart as a job run of EMR. Raises InvalidValueError for values that EMR rejects."""
    run, emr_job_run = _render_for_emr(chart)
    request = emr.convert(run.application, run.extra_objects, emr_job_run, virtual_cluster)
    return replace(request, omitted=(*run.omitted, *request.omitted))


def to_iam(chart: Chart, options: TargetOptions) -> RenderedTarget:
    """The permissions of a run; on EMR if the values have an execution role."""
    on_emr = merge_values(chart)["emr"]["executionRoleArn"]
    run, emr_job_run = _render_for_emr(chart) if on_emr else (render_run(chart), None)
    # A schedule needs the same permissions as each of its runs: nothing is omitted.
    return iam.convert(run.application, run.extra_objects, emr_job_run, options.oidc_provider)


TARGETS: Mapping[str, Callable[[Chart, TargetOptions], RenderedTarget]] = {
    "kubernetes": to_kubernetes,
    "scheduled": to_scheduled,
    "spark-submit": to_spark_submit,
    "emr": to_emr,
    "iam": to_iam,
}


def _render_for_emr(chart: Chart) -> tuple[RenderedRun, Manifest]:
    """The chart as one run, and its EmrJobRun."""
    run = render_run(chart, [EMR_API])
    emr_job_run = find_kind(EMR_JOB_RUN, run.extra_objects)
    assert emr_job_run is not None
    return replace(
        run, extra_objects=[each for each in run.extra_objects if each is not emr_job_run]
    ), emr_job_run


def _add_omitted(run: RenderedRun, target: RenderedTarget) -> RenderedTarget:
    return replace(target, omitted=(*run.omitted, *target.omitted))
