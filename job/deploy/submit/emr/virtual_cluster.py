"""One virtual cluster: the few requests that submitting and following need."""

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
        """Start a job run; its id. A request with the same token starts none."""
        return str(self.aws.ask(_EMR, "start_job_run", **request)["id"])

    def read(self, identifier: str) -> JobRun:
        """One job run. Raises NoSuchObjectError."""
        run: JobRun = self._ask("describe_job_run", identifier)["jobRun"]
        return run

    def all(self, **filters: Any) -> list[JobRun]:
        """The job runs, the oldest first."""
        filters["virtualClusterId"] = self.identifier
        found = self.aws.pages(_EMR, "list_job_runs", "jobRuns", **filters)
        return sorted(found, key=lambda run: str(run.get("createdAt", "")))

    def find(self, name: str) -> JobRun | None:
        """The newest job run of a name."""
        return next(reversed(self.all(name=name)), None)

    def cancel(self, identifier: str) -> None:
        """Ask for the end of a job run. Raises InvalidValueError where it has ended."""
        self._ask("cancel_job_run", identifier)

    def _ask(self, operation: str, identifier: str) -> Any:
        return self.aws.ask(_EMR, operation, id=identifier, virtualClusterId=self.identifier)
