"""Client for one virtual cluster: the requests that `submit` needs."""

from __future__ import annotations

from typing import Any

from job.deploy.submit.emr.aws import Aws
from job.deploy.submit.emr.job_run import JobRun

_EMR = "emr-containers"


class VirtualCluster:
    """A virtual cluster of EMR on EKS; each method raises what Aws raises."""

    def __init__(self, identifier: str, aws: Aws | None = None) -> None:
        self.identifier = identifier
        self.aws = aws or Aws()

    def start(self, request: dict[str, Any]) -> str:
        """Start a job run and return its id. A repeated token starts no second run."""
        return str(self.aws.call(_EMR, "start_job_run", **request)["id"])

    def read(self, identifier: str) -> JobRun:
        """One job run. Raises NoSuchObjectError."""
        run: JobRun = self._call("describe_job_run", identifier)["jobRun"]
        return run

    def list_job_runs(self, **filters: Any) -> list[JobRun]:
        """The job runs, oldest first."""
        filters["virtualClusterId"] = self.identifier
        job_runs = self.aws.paginate(_EMR, "list_job_runs", "jobRuns", **filters)
        return sorted(job_runs, key=lambda run: str(run.get("createdAt", "")))

    def find(self, name: str) -> JobRun | None:
        """The newest job run of a name, or None."""
        return next(reversed(self.list_job_runs(name=name)), None)

    def cancel(self, identifier: str) -> None:
        """Cancel a job run. Raises InvalidValueError if it has ended."""
        self._call("cancel_job_run", identifier)

    def _call(self, operation: str, identifier: str) -> Any:
        return self.aws.call(_EMR, operation, id=identifier, virtualClusterId=self.identifier)
