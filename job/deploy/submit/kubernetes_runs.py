"""Runs that the operator keeps in a namespace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from job.deploy.render.helm import APPLICATION
from job.deploy.submit import logs
from job.deploy.submit.apply import API_VERSION
from job.deploy.submit.cluster import Cluster
from job.deploy.submit.run_store import Say
from job.deploy.submit.spark_application import Observed, driver_name, observed
from job.errors import NoSuchObjectError

# The chart's label on applications, those of a schedule too, and on pods.
OURS = "app.kubernetes.io/name=image-features"


@dataclass(frozen=True)
class KubernetesRuns:
    """The runs in the namespace of a cluster."""

    cluster: Cluster
    stopping = "delete"

    @property
    def described(self) -> str:
        return self.cluster.namespace

    @property
    def options(self) -> str:
        context = f" --context {self.cluster.context}" if self.cluster.context else ""
        return f"--namespace {self.cluster.namespace}{context}"

    def observe(self, name: str) -> Observed:
        """The run as it is now. Raises NoSuchObjectError where there is no such application."""
        application = self.cluster.read(API_VERSION, APPLICATION, name)
        try:
            driver = self.cluster.read("v1", "Pod", driver_name(application))
        except NoSuchObjectError:
            driver = None
        return observed(application, driver)

    def all(self) -> list[Observed]:
        """The runs in the namespace, by name: those of a release by time."""
        applications = self.cluster.select(API_VERSION, APPLICATION, OURS)
        drivers = {
            pod["metadata"]["name"]: pod
            for pod in self.cluster.select("v1", "Pod", f"{OURS},spark-role=driver")
        }
        return [observed(each, drivers.get(driver_name(each))) for each in applications]

    def log(
        self,
        run: Observed,
        say: Say,
        *,
        tail: int | None = None,
        follow: bool = False,
        executor: int | None = None,
    ) -> Iterator[str]:
        """Lines of the log of a pod."""
        pod = run.driver
        if executor is not None:
            pod = logs.executor_pod(self.cluster, run.name, executor)
        return logs.lines(self.cluster, pod, tail=tail, follow=follow, say=say)
