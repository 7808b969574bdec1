"""The status of a job run of EMR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from job.deploy.submit.spark_application import CANCELLED, ENDED, FAILED, RunStatus
from job.errors import (
    InvalidValueError,
    MissingPrerequisiteError,
    RunFailedError,
    TransportError,
)

JobRun = Mapping[str, Any]

# EMR does not report the driver's exit code, only a failure reason.
EXIT_CODES = {
    "USER_ERROR": RunFailedError.exit_code,
    "VALIDATION_ERROR": InvalidValueError.exit_code,
    "CLUSTER_UNAVAILABLE": MissingPrerequisiteError.exit_code,
    "INTERNAL_ERROR": TransportError.exit_code,
}


def run_status(run: JobRun) -> RunStatus:
    """The status of a job run; its name is EMR's id."""
    state, details = str(run.get("state", "")), " ".join(str(run.get("stateDetails", "")).split())
    failure = str(run.get("failureReason", ""))
    return RunStatus(
        name=run["id"],
        title=str(run.get("name", "")),
        state=state,
        driver=driver_pod_name(run["id"]),
        started=run.get("createdAt"),
        ended=run.get("finishedAt"),
        attempts=int(run.get("retryPolicyExecution", {}).get("currentAttemptCount", 0)),
        waiting_for="" if state in ENDED else details,
        exit_code=EXIT_CODES.get(failure) if state == FAILED else None,
        reason=": ".join(filter(None, (failure, details))) if state in (FAILED, CANCELLED) else "",
    )


def driver_pod_name(identifier: str) -> str:
    """The driver's pod, as EMR names it."""
    return f"spark-{identifier}-driver"


def monitoring_configuration(run: JobRun) -> Mapping[str, Any]:
    """The log destinations of a run."""
    configuration: Mapping[str, Any] = run.get("configurationOverrides", {}).get(
        "monitoringConfiguration", {}
    )
    return configuration
