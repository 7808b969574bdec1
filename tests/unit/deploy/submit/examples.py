"""SparkApplications and driver pods as a cluster shows them."""

from __future__ import annotations

import json
from typing import Any

from job.display import PROGRESS_ANNOTATION
from tests.unit.deploy.submit.kubernetes_api import NAMESPACE

Manifest = dict[str, Any]

NAME = "fruits-one"
APPLICATIONS = f"/apis/sparkoperator.k8s.io/v1beta2/namespaces/{NAMESPACE}/sparkapplications"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
DRIVER = f"{PODS}/{NAME}-driver"


def application(state: str = "", message: str = "") -> Manifest:
    """A run of the operator's, in a state."""
    return {
        "kind": "SparkApplication",
        "metadata": {"name": NAME},
        "status": {
            "applicationState": {"state": state, "errorMessage": message},
            "driverInfo": {"podName": f"{NAME}-driver"},
            "lastSubmissionAttemptTime": "2026-01-02T03:04:05Z",
            "terminationTime": "2026-01-02T03:05:19Z" if state in ("COMPLETED", "FAILED") else None,
            "executionAttempts": 1,
        },
    }


def driver(
    *, progress: Any = None, exit_code: int | None = None, message: str = "", reason: str = "Error"
) -> Manifest:
    """Its driver's pod: at work, or ended where there is an exit code."""
    text = progress if isinstance(progress, str) else json.dumps(progress)
    ended = {"exitCode": exit_code, "reason": reason, "message": message}
    state = {"running": {}} if exit_code is None else {"terminated": ended}
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"{NAME}-driver",
            "annotations": {} if progress is None else {PROGRESS_ANNOTATION: text},
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {"name": "sidecar", "state": {"terminated": {"exitCode": 77}}},
                {"name": "spark-kubernetes-driver", "state": state},
            ],
        },
    }


FEATURIZE = {"stage": "featurize", "done": 120, "total": 240, "unit": "images", "rate": 40.0}
