"""Runs that EMR keeps for a virtual cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from job.deploy.submit.emr import logs
from job.deploy.submit.emr.job_run import observed
from job.deploy.submit.emr.virtual_cluster import VirtualCluster
from job.deploy.submit.run_store import Say
from job.deploy.submit.spark_application import Observed


@dataclass(frozen=True)
class EmrRuns:
    """The job runs of a virtual cluster, by the ids that EMR gives them."""

    cluster: VirtualCluster
    stopping = "cancel"

    @property
    def described(self) -> str:
        return f"virtual cluster {self.cluster.identifier}"

    @property
    def options(self) -> str:
        return f"--virtual-cluster {self.cluster.identifier}"

    def observe(self, name: str) -> Observed:
        """The run as it is now. Raises NoSuchObjectError where there is none with this id."""
        return observed(self.cluster.read(name))

    def all(self) -> list[Observed]:
        """The job runs, the oldest first."""
        return [observed(each) for each in self.cluster.all()]

    def log(
        self,
        run: Observed,
        say: Say,
        *,
        tail: int | None = None,
        follow: bool = False,
        executor: int | None = None,
    ) -> Iterator[str]:
        """Lines of what a pod has sent to CloudWatch or S3."""
        known = self.cluster.read(run.name)
        if follow:
            return logs.followed(self.cluster, known, executor, tail, say)
        return logs.lines(logs.store_of(self.cluster, known), known, executor, tail)
