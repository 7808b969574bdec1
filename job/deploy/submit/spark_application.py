"""What a cluster knows of a run: its SparkApplication and its driver's pod, read as plain data."""

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
# The last one is of EMR alone.
COMPLETED, FAILED, CANCELLED = "COMPLETED", "FAILED", "CANCELLED"
# SUBMISSION_FAILED and FAILING are not the end: the operator retries, or says FAILED after them.
ENDED = (COMPLETED, FAILED, CANCELLED)
# The operator does not pass on what the driver said, only its code.
_EXIT_CODE = re.compile(r"ExitCode: (\d+)")
_LONGEST_REASON = 500


@dataclass(frozen=True)
class Progress:
    """What the driver publishes of the stage at work; `total` and `rate` None while unknown."""

    stage: str
    unit: str
    done: int
    total: int | None
    rate: float | None

    def __str__(self) -> str:
        of = f" / {self.total:,}" if self.total is not None else ""
        return f"{self.stage} {self.done:,}{of} {self.unit}"


@dataclass(frozen=True)
class Observed:
    """A run at one moment. `exit_code` and `reason` are known once its driver has ended.

    `title` is what it was called by who submitted it, where `name` is an id.
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
        """How long it works, or worked; None before it starts."""
        if self.started is None:
            return None
        return ((self.ended or datetime.now(UTC)) - self.started).total_seconds()


def driver_name(application: Manifest) -> str:
    """The driver's pod: as the operator reports it, else as it will name it."""
    reported = _status(application).get("driverInfo") or {}
    return str(reported.get("podName") or f"{application['metadata']['name']}-driver")


def observed(application: Manifest, driver: Manifest | None) -> Observed:
    """Both objects, as the API gives them, in one; `driver` None where the pod is not there."""
    status = _status(application)
    state = status.get("applicationState") or {}
    message = str(state.get("errorMessage") or "")
    terminated = _container_state(driver, "terminated")
    return Observed(
        name=application["metadata"]["name"],
        state=str(state.get("state") or ""),
        driver=driver_name(application),
        started=_time(status.get("lastSubmissionAttemptTime")),
        ended=_time(status.get("terminationTime")),
        attempts=int(status.get("executionAttempts") or 0),
        progress=progress(driver),
        waiting_for=_waiting_for(driver),
        exit_code=_exit_code(terminated, message),
        reason=_reason(terminated, message),
    )


def progress(driver: Manifest | None) -> Progress | None:
    """The driver's annotation; None where there is none, or where it is not what was agreed."""
    try:
        given = json.loads((driver or {})["metadata"]["annotations"][PROGRESS_ANNOTATION])
        return Progress(
            stage=_plain(given["stage"]),
            unit=_plain(given["unit"]),
            done=int(given["done"]),
            total=None if given.get("total") is None else int(given["total"]),
            rate=None if given.get("rate") is None else float(given["rate"]),
        )
    # Whatever is written there is no reason to stop following; 1e999 overflows an int.
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        return None


def _plain(text: Any) -> str:
    """One short line that does nothing to a terminal."""
    return "".join(letter for letter in str(text) if letter.isprintable())[:40]


def _status(application: Manifest) -> Mapping[str, Any]:
    return application.get("status") or {}


def _container_state(driver: Manifest | None, state: str) -> Mapping[str, Any]:
    """One of running, waiting, terminated of the driver's container; empty unless it is in it."""
    containers = ((driver or {}).get("status") or {}).get("containerStatuses") or []
    ours = [each for each in containers if each.get("name") == DRIVER_CONTAINER]
    return (ours[0].get("state") or {}).get(state) or {} if ours else {}


def _exit_code(terminated: Mapping[str, Any], message: str) -> int | None:
    if "exitCode" in terminated:
        return int(terminated["exitCode"])
    found = _EXIT_CODE.search(message)
    return int(found[1]) if found else None


def _reason(terminated: Mapping[str, Any], message: str) -> str:
    """What the job wrote as the reason of its end, and what Kubernetes knows beyond that."""
    # Without a reason of the job's own Kubernetes takes the end of its log: the last line counts.
    lines = str(terminated.get("message") or "").strip().splitlines()
    of_kubernetes = str(terminated.get("reason") or "")
    parts = [of_kubernetes] if of_kubernetes not in ("", "Error", "Completed") else []
    parts += [lines[-1].strip()] if lines else []
    return (": ".join(parts) or " ".join(message.split()))[:_LONGEST_REASON]


def _waiting_for(driver: Manifest | None) -> str:
    """Why the driver's pod does not run yet: no node for it, no image."""
    status = (driver or {}).get("status") or {}
    told = _container_state(driver, "waiting")
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            told = condition
    parts = [str(told[key]) for key in ("reason", "message") if told.get(key)]
    return " ".join(": ".join(parts).split())[:_LONGEST_REASON]


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except (TypeError, ValueError):
        return None
