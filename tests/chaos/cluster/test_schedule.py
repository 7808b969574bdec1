"""A schedule whose runs take longer than the interval."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import ENDED, OUTPUTS, SESSION, Cluster

SECONDS = 330
MIN_COMPLETED = 2
SCHEDULE_LABEL = "sparkoperator.k8s.io/scheduled-app-name"


@pytest.fixture
def schedule(cluster: Cluster) -> Iterator[str]:
    """The name of a schedule with a run every minute; a run takes longer on this cluster."""
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
    concurrent = 0
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        states |= _states(cluster, schedule)
        concurrent = max(concurrent, sum(state not in ENDED for state in states.values()))
        time.sleep(2)
    assert concurrent == 1, states
    assert sum(state == "COMPLETED" for state in states.values()) >= MIN_COMPLETED, states


def _states(cluster: Cluster, schedule: str) -> dict[str, str]:
    """The states of the applications of the schedule, by name."""
    return {
        item["metadata"]["name"]: item.get("status", {})
        .get("applicationState", {})
        .get("state", "")
        for item in cluster.get("sparkapplications", "-l", f"{SCHEDULE_LABEL}={schedule}")["items"]
    }
