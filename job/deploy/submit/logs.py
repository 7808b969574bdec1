"""Reads logs of the pods of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from job.deploy.submit.cluster import Cluster
from job.errors import InvalidValueError, NoSuchObjectError

_POLL_SECONDS = 2.0


def executor_pod(cluster: Cluster, application: str, number: int) -> str:
    """The pod of an executor. Raises InvalidValueError with the existing numbers."""
    labels = f"sparkoperator.k8s.io/app-name={application},spark-role=executor"
    pods = {
        pod["metadata"]["labels"].get("spark-exec-id", ""): str(pod["metadata"]["name"])
        for pod in cluster.select("v1", "Pod", labels)
    }
    if str(number) not in pods:
        raise InvalidValueError(
            f"--executor is {number}, which has no pod",
            expected=f"one of {', '.join(sorted(pods))}" if pods else "a run with executors",
            fix="set executor.deleteOnTermination=false to keep the pods of finished executors",
        )
    return pods[str(number)]


def read_lines(
    cluster: Cluster,
    pod: str,
    *,
    tail: int | None,
    follow: bool,
    notify: Callable[[str], None],
) -> Iterator[str]:
    """Lines of a pod's log; with `follow`, wait for the pod to start."""
    _require_started(cluster, pod, follow, notify)
    return cluster.log(pod, tail=tail, follow=follow)


def _require_started(
    cluster: Cluster, pod: str, follow: bool, notify: Callable[[str], None]
) -> None:
    while not _has_started(cluster, pod):
        if not follow:
            raise InvalidValueError(f"{pod} has not started: it has no log", fix="use --follow")
        notify(f"{pod} has not started")
        time.sleep(_POLL_SECONDS)


def _has_started(cluster: Cluster, pod: str) -> bool:
    try:
        return bool(cluster.read("v1", "Pod", pod)["status"]["phase"] != "Pending")
    except NoSuchObjectError as missing:
        raise InvalidValueError(
            f"there is no pod {pod}: not created yet, or removed with its log",
            fix="`image-features submit status` shows the state of its run",
        ) from missing
