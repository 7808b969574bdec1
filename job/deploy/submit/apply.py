"""Applies a rendered chart to a cluster, after a dry run of all objects."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from job.deploy.render import region_guard
from job.deploy.render.helm import APPLICATION, SCHEDULE, Chart, Manifest, find_kind, render
from job.deploy.submit.api_errors import ConflictError
from job.deploy.submit.cluster import Cluster
from job.errors import InvalidValueError, NoSuchObjectError

API_VERSION = "sparkoperator.k8s.io/v1beta2"
_MONITORING = ("monitoring.coreos.com/v1", "PodMonitor")


@dataclass(frozen=True)
class Submission:
    """The run or schedule on the cluster; `is_new` is False if it existed before."""

    name: str
    is_new: bool


def submit(
    cluster: Cluster, chart: Chart, application: str, *, single_run: bool = False
) -> Submission:
    """Submit the chart's run; an existing run of this name is left unchanged.

    Raises InvalidValueError for invalid values, and with `single_run` for values with a schedule,
    before the first request to the cluster. Also raises it if the cluster or a bucket is in a
    region that the values do not allow.
    """
    manifests = render(chart)
    schedule = find_kind(SCHEDULE, manifests)
    if schedule is not None:
        if single_run:
            raise InvalidValueError(
                "--wait follows one run, and these values have a schedule",
                fix="leave out --wait, or submit one run now with --set schedule=",
            )
        region_guard.require_allowed(schedule["spec"]["template"], cluster.regions)
        apply(cluster, render_for_cluster(chart, cluster))
        return Submission(schedule["metadata"]["name"], is_new=True)
    run = find_kind(APPLICATION, manifests)
    assert run is not None
    region_guard.require_allowed(run["spec"], cluster.regions)
    if run_exists(cluster, application):
        return Submission(application, is_new=False)
    is_new = apply(cluster, render_for_cluster(chart, cluster))
    return Submission(application, is_new=is_new)


def run_exists(cluster: Cluster, application: str) -> bool:
    """Whether a run of this name exists."""
    try:
        cluster.read(API_VERSION, APPLICATION, application)
    except NoSuchObjectError:
        return False
    return True


def render_for_cluster(chart: Chart, cluster: Cluster) -> list[Manifest]:
    """The chart rendered for the optional APIs of the cluster, such as PodMonitor."""
    api_version, kind = _MONITORING
    if not cluster.has_kind(api_version, kind):
        return render(chart)
    return render(chart, (api_version, f"{api_version}/{kind}"))


def apply(cluster: Cluster, manifests: Sequence[Manifest]) -> bool:
    """Apply the objects in order; False if the application already exists.

    The server validates all objects in a dry run before the first change. The operator kills and
    restarts a run whose application is edited, so applications are created, never applied.
    """
    for manifest in manifests:
        dry_run(cluster, manifest)
    for manifest in manifests:
        if manifest["kind"] != APPLICATION:
            cluster.apply(manifest)
    application = find_kind(APPLICATION, manifests)
    if application is None:
        return True
    try:
        cluster.create(application)
    except ConflictError:
        return False
    return True


def dry_run(cluster: Cluster, manifest: Manifest) -> None:
    """Let the server validate an object, without changing anything."""
    if manifest["kind"] == APPLICATION:
        # Another client created it in the meantime: `apply` handles that.
        with suppress(ConflictError):
            cluster.create(manifest, dry_run=True)
        return
    try:
        cluster.apply(manifest, dry_run=True)
    except NoSuchObjectError:
        # For a RoleBinding the server reads the role, unless the user is an administrator. At the
        # first submission the role does not exist before it is applied.
        if manifest["kind"] != "RoleBinding":
            raise
