"""A job run as EMR describes it, read as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from job.deploy.submit.spark_application import CANCELLED, ENDED, FAILED, Observed
from job.errors import (
    InvalidValueError,
    MissingPrerequisiteError,
    RunFailedError,
    TransportError,
)

JobRun = Mapping[str, Any]

# EMR does not pass on with which code the driver ended; this is what it says of the reason.
EXIT_CODE_OF = {
    "USER_ERROR": RunFailedError.exit_code,
    "VALIDATION_ERROR": InvalidValueError.exit_code,
    "CLUSTER_UNAVAILABLE": MissingPrerequisiteError.exit_code,
    "INTERNAL_ERROR": TransportError.exit_code,
}


def observed(run: JobRun) -> Observed:
    """A job run in the words of all runs; its name is the id that EMR gave it."""
    state, details = str(run.get("state", "")), " ".join(str(run.get("stateDetails", "")).split())
    failure = str(run.get("failureReason", ""))
    return Observed(
        name=run["id"],
        title=str(run.get("name", "")),
        state=state,
        driver=driver_of(run["id"]),
        started=run.get("createdAt"),
        ended=run.get("finishedAt"),
        attempts=int(run.get("retryPolicyExecution", {}).get("currentAttemptCount", 0)),
        waiting_for="" if state in ENDED else details,
        exit_code=EXIT_CODE_OF.get(failure) if state == FAILED else None,
        reason=": ".join(filter(None, (failure, details))) if state in (FAILED, CANCELLED) else "",
    )


def driver_of(identifier: str) -> str:
    """The driver's pod, as EMR names it."""
    return f"spark-{identifier}-driver"


def monitoring_of(run: JobRun) -> Mapping[str, Any]:
    """Where the run was told to send its logs."""
    found: Mapping[str, Any] = run.get("configurationOverrides", {}).get(
        "monitoringConfiguration", {}
    )
    return found
