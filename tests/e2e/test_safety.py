"""What pods and accounts on a cluster may not do."""

from __future__ import annotations

import re

import pytest

from tests.e2e.cluster import SESSION, Cluster
from tests.e2e.conftest import WatchedRun


def test_processes_have_no_capability_and_get_no_privilege(watched_run: WatchedRun) -> None:
    assert len(watched_run.processes) == 2
    for status in watched_run.processes.values():
        assert set(re.findall(r"^Cap\w+:\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
        assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)


def test_the_root_file_system_cannot_be_written(watched_run: WatchedRun) -> None:
    for answer in watched_run.root_writes.values():
        assert "Read-only file system" in answer


def test_the_image_is_the_one_under_test(cluster: Cluster, watched_run: WatchedRun) -> None:
    images = {pod["spec"]["containers"][0]["image"] for pod in watched_run.pods}
    assert images == {cluster.image}


def test_a_pod_beside_cannot_reach_the_driver(watched_run: WatchedRun) -> None:
    assert watched_run.driver_from_beside == "closed"


@pytest.mark.parametrize(
    "question",
    [
        ("get", "secrets"),
        ("create", "configmaps"),
        ("list", "services"),
        ("get", "pods", "--namespace=kube-system"),
        ("create", "pods", "--namespace=default"),
        ("patch", "sparkapplications.sparkoperator.k8s.io"),
    ],
    ids=" ".join,
)
def test_the_drivers_account_may_not(
    cluster: Cluster, watched_run: WatchedRun, question: tuple[str, ...]
) -> None:
    driver = f"system:serviceaccount:{cluster.namespace}:{SESSION}-driver"
    answer = cluster.kubectl("auth", "can-i", *question, f"--as={driver}", check=False)
    assert answer.splitlines()[0] == "no"
