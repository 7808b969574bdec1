"""Job runs of a virtual cluster of EMR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from job.deploy.submit.emr import logs
from job.deploy.submit.emr.job_run import run_status
from job.deploy.submit.emr.virtual_cluster import VirtualCluster
from job.deploy.submit.run_store import Notify
from job.deploy.submit.spark_application import RunStatus


@dataclass(frozen=True)
class EmrRunStore:
    """The job runs of a virtual cluster, by EMR's ids."""

    cluster: VirtualCluster
    stop_command = "cancel"

    @property
    def location(self) -> str:
        return f"virtual cluster {self.cluster.identifier}"

    @property
    def options(self) -> str:
        return f"--virtual-cluster {self.cluster.identifier}"

    def status(self, name: str) -> RunStatus:
        """The status of a run. Raises NoSuchObjectError if there is no run with this id."""
        return run_status(self.cluster.read(name))

    def list_runs(self) -> list[RunStatus]:
        """The job runs, oldest first."""
        return [run_status(job_run) for job_run in self.cluster.list_job_runs()]

    def read_log(
        self,
        run: RunStatus,
        notify: Notify,
        *,
        tail: int | None = None,
        follow: bool = False,
        executor: int | None = None,
    ) -> Iterator[str]:
        """Lines of a pod's log in CloudWatch or S3."""
        job_run = self.cluster.read(run.name)
        if follow:
            return logs.follow_lines(self.cluster, job_run, executor, tail, notify)
        return logs.read_lines(logs.open_store(self.cluster, job_run), job_run, executor, tail)
