"""Runs of the operator in a namespace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from job.deploy.render.helm import APPLICATION
from job.deploy.submit import logs
from job.deploy.submit.apply import API_VERSION
from job.deploy.submit.cluster import Cluster
from job.deploy.submit.run_store import Notify
from job.deploy.submit.spark_application import RunStatus, driver_pod_name, run_status
from job.errors import NoSuchObjectError

# The chart's label on applications, including those of a schedule, and on pods.
CHART_LABEL = "app.kubernetes.io/name=image-features"


@dataclass(frozen=True)
class KubernetesRunStore:
    """The runs in the namespace of a cluster."""

    cluster: Cluster
    stop_command = "delete"

    @property
    def location(self) -> str:
        return self.cluster.namespace

    @property
    def options(self) -> str:
        context = f" --context {self.cluster.context}" if self.cluster.context else ""
        return f"--namespace {self.cluster.namespace}{context}"

    def status(self, name: str) -> RunStatus:
        """The status of a run. Raises NoSuchObjectError if there is no such application."""
        application = self.cluster.read(API_VERSION, APPLICATION, name)
        try:
            driver = self.cluster.read("v1", "Pod", driver_pod_name(application))
        except NoSuchObjectError:
            driver = None
        return run_status(application, driver)

    def list_runs(self) -> list[RunStatus]:
        """The runs in the namespace, sorted by name, which sorts runs of a release by time."""
        applications = self.cluster.select(API_VERSION, APPLICATION, CHART_LABEL)
        drivers = {
            pod["metadata"]["name"]: pod
            for pod in self.cluster.select("v1", "Pod", f"{CHART_LABEL},spark-role=driver")
        }
        return [
            run_status(application, drivers.get(driver_pod_name(application)))
            for application in applications
        ]

    def read_log(
        self,
        run: RunStatus,
        notify: Notify,
        *,
        tail: int | None = None,
        follow: bool = False,
        executor: int | None = None,
    ) -> Iterator[str]:
        """Lines of a pod's log."""
        pod = run.driver
        if executor is not None:
            pod = logs.executor_pod(self.cluster, run.name, executor)
        return logs.read_lines(self.cluster, pod, tail=tail, follow=follow, notify=notify)
