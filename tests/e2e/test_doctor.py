"""`doctor` on a real cluster: what is well, and each thing that goes wrong and is put right."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.cluster import OUTPUTS, ROOT, Cluster, release, until
from tests.e2e.conftest import SAMPLE

RELEASE, NOBODY = release("doctor"), release("nobody")
PREREQUISITE, NO_ANSWER, DENIED, NOT_FOUND, WRONG_USE = 12, 8, 4, 3, 2
SCHEDULES = "scheduledsparkapplications.sparkoperator.k8s.io"
OPERATORS = "app.kubernetes.io/name=spark-operator"

Checks = dict[str, dict[str, Any]]


def values_for(cluster: Cluster, **arguments: str) -> dict[str, Any]:
    """Values with the image under test, and the run's paths."""
    paths = {"input": SAMPLE, "output": f"s3a://results/{OUTPUTS}/doctor"} | arguments
    words = [part for name, path in paths.items() for part in (f"--{name}", path)]
    return {**cluster.image_values, "arguments": words}


@pytest.fixture
def doctor(cluster: Cluster, tmp_path: Path) -> Any:
    """doctor(exit_code, *options, environment=..., **paths) -> outcome by check."""

    def run(
        code: int, *more: str, environment: dict[str, str] | None = None, **paths: str
    ) -> Checks:
        file = tmp_path / "values.yaml"
        file.write_text(json.dumps(values_for(cluster, **paths)))
        command = [sys.executable, "-m", "job", "doctor", "--json", "--release", RELEASE]
        command += ["--values", str(cluster.values), "--values", str(file)]
        ended = subprocess.run(
            [*command, "--namespace", cluster.namespace, *more],
            env=os.environ | (environment or {}),
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=300,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        return {each["check"]: each for each in json.loads(ended.stdout)["checks"]}

    return run


def names(checks: Checks, state: str) -> list[str]:
    return [name for name, each in checks.items() if each["state"] == state]


def operators(cluster: Cluster, component: str) -> dict[str, Any]:
    """The Deployment of a part of the operator."""
    selector = f"{OPERATORS},app.kubernetes.io/component={component}"
    (found,) = cluster.get("deployments", "--all-namespaces", "-l", selector)["items"]
    return dict(found)


@contextmanager
def scaled_to_zero(cluster: Cluster, component: str) -> Iterator[None]:
    """A part of the operator without a pod, until the block ends."""
    cluster.skip_if_shared()
    metadata = operators(cluster, component)["metadata"]
    where = ("--namespace", metadata["namespace"])
    target = f"deployment/{metadata['name']}"

    def available() -> int:
        return int(operators(cluster, component)["status"].get("availableReplicas") or 0)

    cluster.kubectl("scale", target, "--replicas=0", *where)
    try:
        until(lambda: available() == 0, f"no {component} is left", 120)
        yield
    finally:
        cluster.kubectl("scale", target, "--replicas=1", *where)
        cluster.kubectl("rollout", "status", target, "--timeout=5m", *where)


def test_all_is_well_from_outside(doctor: Any) -> None:
    checks = doctor(0)
    assert names(checks, "failed") == []
    assert names(checks, "skipped") == ["bucket", "role-trust"]


def test_nothing_is_changed(cluster: Cluster, doctor: Any) -> None:
    kinds = "serviceaccounts,roles,networkpolicies,sparkapplications"
    before = cluster.kubectl("get", kinds, "-o", "name")
    doctor(0)
    assert cluster.kubectl("get", kinds, "-o", "name") == before


def test_an_operator_that_does_not_run(cluster: Cluster, doctor: Any) -> None:
    with scaled_to_zero(cluster, "controller"):
        checks = doctor(PREREQUISITE)
    assert names(checks, "failed") == ["operator"]
    assert "(0 of 0 available)" in checks["operator"]["what"]


def test_a_webhook_that_does_not_answer(cluster: Cluster, doctor: Any) -> None:
    with scaled_to_zero(cluster, "webhook"):
        checks = doctor(PREREQUISITE)
    assert names(checks, "failed") == ["webhook"]
    assert "failed calling webhook" in checks["webhook"]["what"]
    # Its pod is ready before its certificate is known everywhere.
    until(lambda: _webhook_answers(cluster), "the webhook answers again", 120)


def _webhook_answers(cluster: Cluster) -> bool:
    answer = cluster.kubectl(
        "apply", "--dry-run=server", "-f", "-", stdin=cluster.render({"runId": "dry"}), check=False
    )
    return "failed calling webhook" not in answer


def test_a_namespace_that_no_operator_watches(cluster: Cluster, doctor: Any) -> None:
    checks = doctor(PREREQUISITE, "--namespace", "kube-public")
    assert "operator" in names(checks, "failed")
    assert "no spark-operator watches kube-public" in checks["operator"]["what"]
    # Helm replaces a list: the namespace that is watched now must be in it.
    words = shlex.split(checks["operator"]["fix"])
    assert "--reset-then-reuse-values" in words
    assert words[-1] == f"spark.jobNamespaces={{{','.join(watched(cluster))},kube-public}}"


def watched(cluster: Cluster) -> list[str]:
    """The namespaces that the operator watches, as the values of its release have them."""
    return list(operator_release(cluster, "get", "values")["spark"]["jobNamespaces"])


def operator_release(cluster: Cluster, *command: str) -> dict[str, Any]:
    """What helm prints of the operator's release."""
    metadata = operators(cluster, "controller")["metadata"]
    words = ["helm", *command, metadata["annotations"]["meta.helm.sh/release-name"]]
    answer = subprocess.run(
        [*words, "--namespace", metadata["namespace"], "--output", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(answer.stdout))


@pytest.fixture
def unserved_schedules(cluster: Cluster) -> Iterator[None]:
    """The cluster does not serve schedules; those that are there stay."""
    cluster.skip_if_shared()

    def serve(served: str) -> None:
        patch = f'[{{"op": "replace", "path": "/spec/versions/0/served", "value": {served}}}]'
        cluster.kubectl("patch", "crd", SCHEDULES, "--type=json", f"--patch={patch}")
        found = f'"name":"{SCHEDULES.partition(".")[0]}"'
        until(lambda: (found in _served(cluster)) == (served == "true"), f"served: {served}", 60)

    serve("false")
    yield
    serve("true")


def _served(cluster: Cluster) -> str:
    return cluster.kubectl("get", "--raw", "/apis/sparkoperator.k8s.io/v1beta2")


@pytest.mark.usefixtures("unserved_schedules")
def test_a_custom_resource_that_is_not_served(doctor: Any) -> None:
    checks = doctor(PREREQUISITE, "--set", "schedule=@daily")
    assert names(checks, "failed") == ["api-resources"]
    assert "ScheduledSparkApplication" in checks["api-resources"]["what"]


@pytest.fixture
def nobody(cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig of an account that may do nothing."""
    cluster.kubectl("create", "serviceaccount", NOBODY)
    token = cluster.kubectl("create", "token", NOBODY).strip()
    config = yaml.safe_load(cluster.kubectl("config", "view", "--raw", "--minify", "--flatten"))
    config["users"][0]["user"] = {"token": token}
    file = tmp_path / "nobody.kubeconfig"
    file.write_text(yaml.safe_dump(config))
    yield file
    cluster.kubectl("delete", "serviceaccount", NOBODY)


def test_an_account_without_rights(doctor: Any, nobody: Path) -> None:
    checks = doctor(DENIED, environment={"KUBECONFIG": str(nobody)})
    assert names(checks, "failed") == ["permissions"]
    assert "create and get sparkapplications" in checks["permissions"]["what"]
    assert {"operator", "image", "credentials-secret"} <= set(names(checks, "skipped"))


def test_values_that_do_not_render(doctor: Any) -> None:
    checks = doctor(WRONG_USE, "--set", "executor.cores=none")
    assert names(checks, "failed") == ["values"]
    assert "executor.cores" in checks["values"]["what"]


def test_a_cluster_that_does_not_answer(doctor: Any, tmp_path: Path, cluster: Cluster) -> None:
    config = yaml.safe_load(cluster.kubectl("config", "view", "--raw", "--minify", "--flatten"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    file = tmp_path / "nowhere.kubeconfig"
    file.write_text(yaml.safe_dump(config))
    checks = doctor(NO_ANSWER, environment={"KUBECONFIG": str(file)})
    assert names(checks, "failed") == ["api-server"]
    assert "127.0.0.1:9" in checks["api-server"]["what"]


def test_a_namespace_that_is_missing(doctor: Any) -> None:
    checks = doctor(PREREQUISITE, "--namespace", "nowhere")
    assert names(checks, "failed") == ["namespace"]
    assert "nowhere" in checks["namespace"]["what"]


def test_an_object_that_a_quota_refuses(cluster: Cluster, doctor: Any) -> None:
    quota = release("quota")
    cluster.kubectl("create", "quota", quota, "--hard=count/roles.rbac.authorization.k8s.io=0")
    try:
        checks = doctor(WRONG_USE)
    finally:
        cluster.kubectl("delete", "quota", quota)
    assert names(checks, "failed") == ["dry-run"]
    assert "exceeded quota" in checks["dry-run"]["what"]


def test_an_account_and_a_secret_that_are_not_there(doctor: Any) -> None:
    driver = ("serviceAccounts.driver.create=false", "serviceAccounts.driver.name=absent")
    given = (*driver, "s3.secretName=absent")
    checks = doctor(PREREQUISITE, *(part for each in given for part in ("--set", each)))
    assert names(checks, "failed") == ["service-accounts", "credentials-secret"]
    for check in ("service-accounts", "credentials-secret"):
        assert "absent" in checks[check]["what"]


def test_an_image_that_is_on_no_node(doctor: Any) -> None:
    checks = doctor(PREREQUISITE, "--set", "image.tag=absent")
    assert names(checks, "failed") == ["image"]


def test_a_bucket_that_is_missing(cluster: Cluster, doctor: Any) -> None:
    sets = "networkPolicy.enabled=false,s3.endpoint=http://127.0.0.1:{port}"
    with cluster.forwarded("service/s3", 8333) as port:
        keys = cluster.secret("s3-credentials")
        options = ("--set", sets.format(port=port))
        there = doctor(0, *options, environment=keys)
        missing = doctor(NOT_FOUND, *options, environment=keys, input="s3a://no-such-bucket/x")
    assert there["bucket"]["state"] == "ok"
    assert names(missing, "failed") == ["bucket"]
    assert "no-such-bucket" in missing["bucket"]["what"]
