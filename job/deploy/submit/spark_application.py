"""The status of a run, from its SparkApplication and its driver's pod."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from job.display import PROGRESS_ANNOTATION

Manifest = dict[str, Any]

DRIVER_CONTAINER = "spark-kubernetes-driver"
# CANCELLED only exists on EMR.
COMPLETED, FAILED, CANCELLED = "COMPLETED", "FAILED", "CANCELLED"
# SUBMISSION_FAILED and FAILING are not final: the operator retries, or sets FAILED later.
ENDED = (COMPLETED, FAILED, CANCELLED)
# The operator only reports the driver's exit code, not its message.
_EXIT_CODE = re.compile(r"ExitCode: (\d+)")
_MAX_REASON_LENGTH = 500


@dataclass(frozen=True)
class Progress:
    """The progress that the driver publishes; `total` and `rate` are None while unknown."""

    stage: str
    unit: str
    done: int
    total: int | None
    rate: float | None

    def __str__(self) -> str:
        of = f" / {self.total:,}" if self.total is not None else ""
        return f"{self.stage} {self.done:,}{of} {self.unit}"


@dataclass(frozen=True)
class RunStatus:
    """The status of a run. `exit_code` and `reason` are known once its driver has ended.

    `title` is the name that the submitter chose, if `name` is an id.
    """

    name: str
    title: str = ""
    state: str = ""
    driver: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    attempts: int = 0
    progress: Progress | None = None
    waiting_for: str = ""
    exit_code: int | None = None
    reason: str = ""

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def seconds(self) -> float | None:
        """Duration so far, or of the finished run; None before it starts."""
        if self.started is None:
            return None
        return ((self.ended or datetime.now(UTC)) - self.started).total_seconds()


def driver_pod_name(application: Manifest) -> str:
    """The driver's pod: as the operator reports it, or as it is going to name it."""
    reported = _status(application).get("driverInfo") or {}
    return str(reported.get("podName") or f"{application['metadata']['name']}-driver")


def run_status(application: Manifest, driver: Manifest | None) -> RunStatus:
    """The status from both API objects; `driver` is None if the pod does not exist."""
    status = _status(application)
    state = status.get("applicationState") or {}
    message = str(state.get("errorMessage") or "")
    terminated = _container_state(driver, "terminated")
    return RunStatus(
        name=application["metadata"]["name"],
        state=str(state.get("state") or ""),
        driver=driver_pod_name(application),
        started=_time(status.get("lastSubmissionAttemptTime")),
        ended=_time(status.get("terminationTime")),
        attempts=int(status.get("executionAttempts") or 0),
        progress=parse_progress(driver),
        waiting_for=_waiting_for(driver),
        exit_code=_exit_code(terminated, message),
        reason=_reason(terminated, message),
    )


def parse_progress(driver: Manifest | None) -> Progress | None:
    """The progress in the driver's annotation; None if it is missing or malformed."""
    try:
        published = json.loads((driver or {})["metadata"]["annotations"][PROGRESS_ANNOTATION])
        return Progress(
            stage=_sanitize(published["stage"]),
            unit=_sanitize(published["unit"]),
            done=int(published["done"]),
            total=None if published.get("total") is None else int(published["total"]),
            rate=None if published.get("rate") is None else float(published["rate"]),
        )
    # A malformed annotation must not stop following; 1e999 overflows an int.
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        return None


def _sanitize(text: Any) -> str:
    """Printable characters only, at most 40: safe for a terminal."""
    return "".join(letter for letter in str(text) if letter.isprintable())[:40]


def _status(application: Manifest) -> Mapping[str, Any]:
    return application.get("status") or {}


def _container_state(driver: Manifest | None, state: str) -> Mapping[str, Any]:
    """The details of a state (running, waiting, terminated) of the driver's container, or empty."""
    containers = ((driver or {}).get("status") or {}).get("containerStatuses") or []
    drivers = [container for container in containers if container.get("name") == DRIVER_CONTAINER]
    return (drivers[0].get("state") or {}).get(state) or {} if drivers else {}


def _exit_code(terminated: Mapping[str, Any], message: str) -> int | None:
    if "exitCode" in terminated:
        return int(terminated["exitCode"])
    match = _EXIT_CODE.search(message)
    return int(match[1]) if match else None


def _reason(terminated: Mapping[str, Any], message: str) -> str:
    """The reason that the job wrote at its end, prefixed by a reason of Kubernetes if any."""
    # If the job wrote no reason, Kubernetes takes the end of its log: use the last line.
    lines = str(terminated.get("message") or "").strip().splitlines()
    pod_reason = str(terminated.get("reason") or "")
    parts = [pod_reason] if pod_reason not in ("", "Error", "Completed") else []
    parts += [lines[-1].strip()] if lines else []
    return (": ".join(parts) or " ".join(message.split()))[:_MAX_REASON_LENGTH]


def _waiting_for(driver: Manifest | None) -> str:
    """Why the driver's pod does not run yet: no node, no image."""
    status = (driver or {}).get("status") or {}
    state = _container_state(driver, "waiting")
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            state = condition
    parts = [str(state[key]) for key in ("reason", "message") if state.get(key)]
    return " ".join(": ".join(parts).split())[:_MAX_REASON_LENGTH]


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except (TypeError, ValueError):
        return None
