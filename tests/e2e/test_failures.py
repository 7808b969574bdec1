"""How a run on a cluster fails, and what is seen of it."""

from __future__ import annotations

from tests.e2e.cluster import SESSION, Cluster
from tests.e2e.submitting import RELEASE, Answer

INPUT_NOT_FOUND = 3


def test_a_missing_input_fails_once_with_its_code_and_reason(
    cluster: Cluster, failed_run: Answer
) -> None:
    assert failed_run.returncode == INPUT_NOT_FOUND, failed_run.stderr
    application = f"{RELEASE}-nowhere"
    status = cluster.get("sparkapplication", application)["status"]
    assert status["applicationState"]["state"] == "FAILED"
    assert status["executionAttempts"] == 1
    assert f"ExitCode: {INPUT_NOT_FOUND}" in status["applicationState"]["errorMessage"]
    (container,) = cluster.get("pod", f"{application}-driver")["status"]["containerStatuses"]
    ended = container["state"]["terminated"]
    assert ended["exitCode"] == INPUT_NOT_FOUND
    assert "s3a://images/nowhere" in ended["message"]


def test_a_setting_that_the_operator_refuses_is_named_when_it_is_applied(cluster: Cluster) -> None:
    rendered = cluster.render({"runId": "refused"}).replace(
        "spark.task.maxFailures:", "spark.kubernetes.container.image:"
    )
    answer = cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=rendered, check=False)
    assert "spark.kubernetes.container.image" in answer
    assert "is not allowed" in answer


def test_every_object_of_the_chart_is_accepted_by_the_server(cluster: Cluster) -> None:
    rendered = cluster.render({"runId": "dry"})
    answer = cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=rendered)
    assert f"sparkapplication.sparkoperator.k8s.io/{SESSION}-dry" in answer
