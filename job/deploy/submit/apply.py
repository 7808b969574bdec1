"""A rendered chart onto a cluster: everything is tried before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from job.deploy.render import region_guard
from job.deploy.render.helm import APPLICATION, SCHEDULE, Chart, Manifest, render, the_one
from job.deploy.submit.api_errors import ConflictError
from job.deploy.submit.cluster import Cluster
from job.errors import InvalidValueError, NoSuchObjectError

API_VERSION = "sparkoperator.k8s.io/v1beta2"
_MONITORING = ("monitoring.coreos.com/v1", "PodMonitor")


@dataclass(frozen=True)
class Submitted:
    """What now is on the cluster: a run, or a schedule of runs; `is_new` False if it was there."""

    name: str
    is_new: bool


def submit(cluster: Cluster, chart: Chart, application: str, *, one_run: bool = False) -> Submitted:
    """Put the chart's run onto the cluster; a run of this name that is there is left as it is.

    Raises InvalidValueError for wrong values, and with `one_run` for those that have a schedule,
    before the cluster is asked for anything; and where cluster or buckets are in a region that the
    values do not allow.
    """
    manifests = render(chart)
    schedule = the_one(SCHEDULE, manifests)
    if schedule is not None:
        if one_run:
            raise InvalidValueError(
                "--wait follows one run, and these values have a schedule",
                fix="leave out --wait, or submit one run now with --set schedule=",
            )
        region_guard.require_allowed(schedule["spec"]["template"], cluster.regions)
        apply(cluster, for_cluster(chart, cluster))
        return Submitted(schedule["metadata"]["name"], is_new=True)
    run = the_one(APPLICATION, manifests)
    assert run is not None
    region_guard.require_allowed(run["spec"], cluster.regions)
    if exists(cluster, application):
        return Submitted(application, is_new=False)
    is_new = apply(cluster, for_cluster(chart, cluster))
    return Submitted(application, is_new=is_new)


def exists(cluster: Cluster, application: str) -> bool:
    """Whether there is a run of this name already."""
    try:
        cluster.read(API_VERSION, APPLICATION, application)
    except NoSuchObjectError:
        return False
    return True


def for_cluster(chart: Chart, cluster: Cluster) -> list[Manifest]:
    """The chart rendered with what the cluster has beyond Kubernetes."""
    api_version, kind = _MONITORING
    if not cluster.knows(api_version, kind):
        return render(chart)
    return render(chart, (api_version, f"{api_version}/{kind}"))


def apply(cluster: Cluster, manifests: Sequence[Manifest]) -> bool:
    """Each object, in the order given; False if the application was there by then.

    The server checks all of them (dry run) before the first is changed. The operator kills and
    repeats a run whose application is edited, so an application is created, never applied.
    """
    for manifest in manifests:
        try_out(cluster, manifest)
    for manifest in manifests:
        if manifest["kind"] != APPLICATION:
            cluster.apply(manifest)
    application = the_one(APPLICATION, manifests)
    if application is None:
        return True
    try:
        cluster.create(application)
    except ConflictError:
        return False
    return True


def try_out(cluster: Cluster, manifest: Manifest) -> None:
    """Let the server say whether it would take an object; nothing is changed."""
    if manifest["kind"] == APPLICATION:
        # Made by somebody else in the meantime: the creation itself will tell.
        with suppress(ConflictError):
            cluster.create(manifest, dry_run=True)
        return
    try:
        cluster.apply(manifest, dry_run=True)
    except NoSuchObjectError:
        # To bind a role the server asks what the role allows, unless the user may do everything;
        # at the first submission the role is not there before it is applied.
        if manifest["kind"] != "RoleBinding":
            raise
