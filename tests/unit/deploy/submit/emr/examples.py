"""Job runs as EMR describes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

CLUSTER = "0b0b0b0b0b0b0b0b0b0b0b0b0"
RUN = "00000003abcdef12345"
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CLOUDWATCH = {
    "cloudWatchMonitoringConfiguration": {
        "logGroupName": "/emr/logs",
        "logStreamNamePrefix": "fruits-one",
    }
}
S3 = {"s3MonitoringConfiguration": {"logUri": "s3://bucket/logs/"}}


def job_run(state: str, details: str = "", failure: str = "", **monitoring: Any) -> dict[str, Any]:
    """A job run in a state, with logs where `monitoring` says."""
    run: dict[str, Any] = {
        "id": RUN,
        "name": "fruits-one",
        "virtualClusterId": CLUSTER,
        "state": state,
        "createdAt": BEGAN,
        "configurationOverrides": {"monitoringConfiguration": monitoring},
    }
    if details:
        run["stateDetails"] = details
    if failure:
        run["failureReason"] = failure
    if state in ("COMPLETED", "FAILED", "CANCELLED"):
        run["finishedAt"] = BEGAN + timedelta(seconds=74)
    return run
