"""What runs ask of the cluster: rights, executors as tasks wait, spot nodes; each run once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.e2e.cluster import CHART, OUTPUTS, ROOT, SESSION, Cluster, Manifest
from tests.e2e.conftest import SAMPLE, WatchedRun
from tests.e2e.event_log import executors_over_time


def test_without_the_rule_of_its_role_the_driver_fails(cluster: Cluster) -> None:
    """No rule is spare: the Role has one, and a run without it gets no executor."""
    values = {"runId": "ruleless", "arguments": _arguments("ruleless")}
    application, account = f"{SESSION}-ruleless", f"{SESSION}-driver"
    objects = list(yaml.safe_load_all(cluster.render(values).replace(account, application)))
    for each in objects:
        if each["kind"] == "Role":
            assert len(each["rules"]) == 1
            each["rules"] = []
    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
    assert cluster.wait(application) == "FAILED"
    assert "forbidden" in cluster.driver_log(application).lower()


def test_executors_come_as_tasks_wait_and_go_as_they_idle(cluster: Cluster, tmp_path: Path) -> None:
    dynamic = {
        "initialExecutors": 1,
        "minExecutors": 1,
        "maxExecutors": 3,
        "executorIdleTimeout": "2s",
        "shuffleTrackingTimeoutSeconds": 2,
    }
    values = {
        "runId": "dynamic",
        "arguments": _arguments("dynamic"),
        "dynamicAllocation": dynamic,
    }
    application = cluster.apply(values)
    assert cluster.wait(application) == "COMPLETED"
    identity = cluster.get("sparkapplication", application)["status"]["sparkApplicationId"]
    log = cluster.fetch("results", f"event-logs/eventlog_v2_{identity}", tmp_path)
    counts = executors_over_time(log)
    assert counts[0] == 1
    assert max(counts) == 3
    # One that still worked in the last two seconds of the run may be left besides the first.
    assert counts[-1] < 3


def test_a_run_id_that_is_complete_is_not_run_again(
    cluster: Cluster, watched_run: WatchedRun
) -> None:
    """A second application of the same run id and output ends at once, and changes nothing."""
    values = _again(watched_run, runId="again")
    application = cluster.apply(values)
    assert cluster.wait(application) == "COMPLETED"
    log = cluster.driver_log(application)
    assert f"run {watched_run.application} is complete already" in log
    assert "list:" not in log


def _again(watched_run: WatchedRun, **values: Any) -> dict[str, Any]:
    output = f"s3a://results/{OUTPUTS}/watched"
    arguments = ["--input", SAMPLE, "--output", output, "--run-id", watched_run.application]
    return {"arguments": arguments, **values}


def _arguments(name: str) -> list[str]:
    return ["--input", SAMPLE, "--output", f"s3a://results/{OUTPUTS}/{name}"]


def test_the_values_for_spot_nodes_run_here(cluster: Cluster) -> None:
    """ci/eks-spot.yaml, but for image, endpoint, credentials and the labels of nodes."""
    cluster.put("my-images", "fruits", ROOT / "examples" / "images")
    local = yaml.safe_load(cluster.values.read_text())
    values = {
        "runId": "spot",
        "s3": local["s3"],
        "networkPolicy": local["networkPolicy"],
        "driver": {"nodeSelector": _on("on-demand")},
        "executor": {"nodeSelector": _on("spot")},
    }
    application = cluster.apply(values, CHART / "ci" / "eks-spot.yaml")
    cluster.wait_for_log(application, "featurize:")
    pods = [cluster.get("pod", f"{application}-driver"), *cluster.executors(application)]
    assert cluster.wait(application) == "COMPLETED"
    assert {
        (pod["metadata"]["labels"]["spark-role"], capacity_of(cluster, pod)) for pod in pods
    } == {
        ("driver", "on-demand"),
        ("executor", "spot"),
    }


def capacity_of(cluster: Cluster, pod: Manifest) -> str:
    """What the node that the pod ran on is labelled as."""
    node = cluster.get("node", pod["spec"]["nodeName"])
    return str(node["metadata"]["labels"]["capacity-type"])


def _on(capacity: str) -> dict[str, str | None]:
    return {"capacity-type": capacity, "eks.amazonaws.com/capacityType": None}
