"""A schedule whose runs last longer than the time between them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import ENDED, OUTPUTS, SESSION, Cluster

SECONDS = 330
COMPLETED_LEAST = 2
SCHEDULE_LABEL = "sparkoperator.k8s.io/scheduled-app-name"


@pytest.fixture
def schedule(cluster: Cluster) -> Iterator[str]:
    """Due every minute, where a run on the local cluster takes longer; its name."""
    arguments = ["--input", "s3a://images/chaos/0", "--output", f"s3a://results/{OUTPUTS}/daily"]
    cluster.kubectl(
        "apply",
        "-f",
        "-",
        stdin=cluster.render({"schedule": "* * * * *", "arguments": arguments}),
    )
    yield SESSION
    cluster.kubectl("delete", "scheduledsparkapplication", SESSION)


def test_scheduled_runs_do_not_overlap(cluster: Cluster, schedule: str) -> None:
    states: dict[str, str] = {}
    at_once = 0
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        states |= _states(cluster, schedule)
        at_once = max(at_once, sum(state not in ENDED for state in states.values()))
        time.sleep(2)
    assert at_once == 1, states
    assert sum(state == "COMPLETED" for state in states.values()) >= COMPLETED_LEAST, states


def _states(cluster: Cluster, schedule: str) -> dict[str, str]:
    """The states of the applications that the schedule has made, by name."""
    return {
        item["metadata"]["name"]: item.get("status", {})
        .get("applicationState", {})
        .get("state", "")
        for item in cluster.get("sparkapplications", "-l", f"{SCHEDULE_LABEL}={schedule}")["items"]
    }
