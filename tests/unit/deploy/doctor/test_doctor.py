"""`doctor` against a Kubernetes API: a healthy cluster, and each failing check."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from job import resources
from job.cli import main
from tests.unit.deploy.doctor.healthy import (
    CONTROLLERS,
    IMAGE,
    NODES,
    OPERATOR,
    RUNS,
    SECRET,
    controller,
    make_healthy,
    node,
)
from tests.unit.deploy.submit.kubernetes_api import NAMESPACE, PAGE_NOT_FOUND, KubernetesApi, status

KIND = resources.chart() / "ci" / "kind.yaml"
Checks = dict[str, dict[str, Any]]
Examine = Callable[..., Checks]
FORBIDDEN = 'nodes is forbidden: User "poor" cannot list resource "nodes"'


@pytest.fixture
def cluster(api: KubernetesApi, helm: None) -> KubernetesApi:
    """A healthy cluster."""
    make_healthy(api)
    return api


@pytest.fixture
def examine(cluster: KubernetesApi, capsys: pytest.CaptureFixture[str]) -> Examine:
    """examine(exit_code, *more options) -> result by check."""

    def run(exit_code: int, *more: str) -> Checks:
        capsys.readouterr()
        names = ["--release", "fruits", "--run-id", "one"]
        code = main(["doctor", "--values", str(KIND), *names, "--json", *more])
        checks = json.loads(capsys.readouterr().out)["checks"]
        assert code == exit_code, checks
        return {each["check"]: each for each in checks}

    return run


def failed(checks: Checks) -> list[str]:
    return [name for name, each in checks.items() if each["state"] == "failed"]


def skipped(checks: Checks) -> list[str]:
    return [name for name, each in checks.items() if each["state"] == "skipped"]


def test_a_healthy_cluster_passes_and_is_not_changed(
    cluster: KubernetesApi, examine: Examine
) -> None:
    checks = examine(0)
    assert failed(checks) == []
    # The store is known inside the cluster only, and keys come from a Secret.
    assert skipped(checks) == ["bucket", "role-trust"]
    assert cluster.kinds_changed() == []


def test_text_has_a_line_a_check_and_the_fix_below(
    cluster: KubernetesApi, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.objects[CONTROLLERS] = {"items": []}
    assert main(["doctor", "--values", str(KIND)]) == 12
    said = capsys.readouterr()
    assert f"ok      namespace: {NAMESPACE}\n" in said.out
    assert "failed  operator: no spark-operator watches images; there is none at all\n" in said.out
    assert "  fix: install the kubeflow spark-operator" in said.out
    assert said.err.splitlines()[-1].startswith(
        "image-features: 11 ok, 1 failed, 2 skipped: operator"
    )


def test_wrong_values(examine: Examine) -> None:
    checks = examine(2, "--set", "executor.cores=64")
    assert failed(checks) == ["values"]
    assert "executor.memoryOverhead" in checks["values"]["what"]
    assert "permissions" in skipped(checks)


def test_a_cluster_that_does_not_answer(
    cluster: KubernetesApi, examine: Examine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = KubernetesApi(port=1).kubeconfig(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(nobody))
    checks = examine(8)
    assert failed(checks) == ["api-server"]
    assert "127.0.0.1:1" in checks["api-server"]["what"]
    need_the_api = {"api-resources", "permissions", "operator", "webhook", "dry-run", "image"}
    assert need_the_api <= set(skipped(checks))


def test_a_missing_namespace(cluster: KubernetesApi, examine: Examine) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}"
    cluster.answers[path] = [status(404, "not found", kind="namespaces", name=NAMESPACE)]
    assert examine(12)["namespace"]["fix"] == f"kubectl create namespace {NAMESPACE}"


def test_a_custom_resource_that_is_not_served(cluster: KubernetesApi, examine: Examine) -> None:
    cluster.answers[f"{OPERATOR}/v1beta2"] = [PAGE_NOT_FOUND]
    cluster.objects[OPERATOR] = {"versions": [{"version": "v1beta1"}]}
    checks = examine(12)
    assert failed(checks) == ["api-resources"]
    assert "it serves v1beta1 of sparkoperator.k8s.io" in checks["api-resources"]["what"]
    assert "webhook" in skipped(checks)


def test_missing_permissions_are_named(cluster: KubernetesApi, examine: Examine) -> None:
    cluster.allowed = lambda asked: (
        (asked["verb"], asked["resource"])
        not in {
            ("create", "networkpolicies"),
            ("escalate", "roles"),
            ("deletecollection", "pods"),
        }
    )
    checks = examine(4)
    assert failed(checks) == ["permissions"]
    assert checks["permissions"]["what"] == (
        "you may not create networkpolicies/fruits, create networkpolicies/fruits-driver, "
        "grant what Role fruits-driver grants (deletecollection pods) in images"
    )
    asked = {(each["group"], each["resource"]) for each in cluster.reviewed}
    assert {("sparkoperator.k8s.io", "sparkapplications"), ("", "serviceaccounts")} <= asked


@pytest.mark.parametrize(
    ("arguments", "watches"),
    [
        ((f"--namespaces=a,{NAMESPACE}",), True),
        (('--namespaces=""',), True),
        ((), True),
        (("--namespaces=a,b",), False),
        (("--namespace-selector=spark=yes",), False),
    ],
)
def test_the_namespaces_that_an_operator_watches(
    cluster: KubernetesApi, examine: Examine, arguments: tuple[str, ...], watches: bool
) -> None:
    cluster.objects[CONTROLLERS] = {"items": [controller(*arguments)]}
    cluster.objects["/api/v1/namespaces"] = {"items": [{"metadata": {"name": "a"}}]}
    assert failed(examine(0 if watches else 12)) == ([] if watches else ["operator"])


UPGRADE = (
    "helm upgrade sparks spark-operator --repo https://kubeflow.github.io/spark-operator "
    "--version 2.5.2 --namespace spark-operator --reset-then-reuse-values "
)


def test_an_operator_that_watches_others_is_to_watch_them_too(
    cluster: KubernetesApi, examine: Examine
) -> None:
    cluster.objects[CONTROLLERS] = {"items": [controller("--namespaces=a,b")]}
    fix = examine(12)["operator"]["fix"]
    assert fix == f"{UPGRADE}--set 'spark.jobNamespaces={{a,b,{NAMESPACE}}}'"


def test_an_operator_that_watches_by_labels_is_left_as_it_is(
    cluster: KubernetesApi, examine: Examine
) -> None:
    cluster.objects[CONTROLLERS] = {"items": [controller("--namespace-selector=spark=yes")]}
    cluster.objects["/api/v1/namespaces"] = {"items": []}
    fix = examine(12)["operator"]["fix"]
    assert fix == f"kubectl label namespace {NAMESPACE} with what 'spark=yes' selects"


def test_an_operator_that_is_no_release_of_helm_keeps_its_namespaces_too(
    cluster: KubernetesApi, examine: Examine
) -> None:
    rendered = controller("--namespaces=a")
    del rendered["metadata"]["annotations"], rendered["metadata"]["labels"]
    cluster.objects[CONTROLLERS] = {"items": [rendered]}
    assert examine(12)["operator"]["fix"] == (
        f"set spark.jobNamespaces={{a,{NAMESPACE}}} in the values that "
        "spark-operator/controller is rendered from"
    )


def test_an_operator_that_does_not_run(cluster: KubernetesApi, examine: Examine) -> None:
    cluster.objects[CONTROLLERS] = {"items": [controller(available=0)]}
    assert "(0 of 1 available)" in examine(12)["operator"]["what"]


@pytest.mark.parametrize(
    ("arguments", "also"),
    [
        ((f"--namespaces=a,{NAMESPACE}",), f" --set 'spark.jobNamespaces={{a,{NAMESPACE}}}'"),
        (('--namespaces=""',), ""),
        ((), ""),
    ],
)
def test_a_webhook_that_is_not_there(
    cluster: KubernetesApi, examine: Examine, arguments: tuple[str, ...], also: str
) -> None:
    cluster.refuses = {}
    others = controller("--namespaces=b")
    cluster.objects[CONTROLLERS] = {"items": [others, controller(*arguments)]}
    checks = examine(12)
    assert failed(checks) == ["webhook"]
    assert "would be taken" in checks["webhook"]["what"]
    assert checks["webhook"]["fix"] == f"{UPGRADE}--set webhook.enable=true{also}"


def test_a_webhook_that_does_not_answer(cluster: KubernetesApi, examine: Examine) -> None:
    message = 'Internal error occurred: failed calling webhook "v": connection refused'
    cluster.answers[RUNS] = [status(500, message)]
    checks = examine(12)
    assert failed(checks) == ["webhook"]
    assert checks["webhook"]["fix"].startswith("kubectl get pods")


def test_an_object_that_the_server_rejects(cluster: KubernetesApi, examine: Examine) -> None:
    path = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets/fruits-driver"
    cluster.answers[path] = [status(403, "exceeded quota: objects")]
    assert "exceeded quota" in examine(2)["dry-run"]["what"]


def test_a_missing_service_account(cluster: KubernetesApi, examine: Examine) -> None:
    sets = "serviceAccounts.executor.create=false,serviceAccounts.executor.name=mine"
    checks = examine(12, "--set", sets)
    assert failed(checks) == ["service-accounts"]
    assert "kubectl create serviceaccount mine" in checks["service-accounts"]["fix"]


def test_a_secret_without_a_key(cluster: KubernetesApi, examine: Examine) -> None:
    cluster.objects[SECRET] = {"data": {"AWS_ACCESS_KEY_ID": ""}}
    assert "no key AWS_SECRET_ACCESS_KEY" in examine(12)["credentials-secret"]["what"]
    del cluster.objects[SECRET]
    assert failed(examine(12)) == ["credentials-secret"]


def test_an_image_that_a_node_lacks(cluster: KubernetesApi, examine: Examine) -> None:
    nodes = [node("a", "on-demand", IMAGE), node("b", "spot"), node("c", "neither")]
    cluster.objects[NODES] = {"items": nodes}
    checks = examine(12)
    assert checks["image"]["what"].startswith("image-features:dev is not on b, and its name has")
    checks = examine(12, "--set", "image.pullPolicy=Never")
    assert checks["image"]["what"].endswith("on b, and the pull policy is Never")


def test_a_node_that_does_not_report_all_its_images(
    cluster: KubernetesApi, examine: Examine
) -> None:
    many = node("a", "on-demand", *(f"other:{number}" for number in range(50)))
    cluster.objects[NODES] = {"items": [many]}
    assert "image" in skipped(examine(0))


def test_checks_without_permission_are_skipped(cluster: KubernetesApi, examine: Examine) -> None:
    for path in (NODES, CONTROLLERS, SECRET, f"/api/v1/namespaces/{NAMESPACE}"):
        cluster.answers[path] = [status(403, FORBIDDEN)]
    checks = examine(0)
    assert {"operator", "credentials-secret", "image"} <= set(skipped(checks))
    assert "cannot list" in checks["operator"]["what"]


@pytest.mark.parametrize(
    ("region", "where"), [("", "an unknown region"), ("us-east-1", "us-east-1")]
)
def test_a_region_that_is_not_allowed(
    cluster: KubernetesApi, examine: Examine, region: str, where: str
) -> None:
    in_europe = ["--set", "s3.region=eu-west-1", "--set", "allowedRegions={eu-*}"]
    for each in cluster.objects[NODES]["items"]:
        each["metadata"]["labels"]["topology.kubernetes.io/region"] = region
    checks = examine(2, *in_europe)
    assert failed(checks) == ["allowed-regions"]
    assert checks["allowed-regions"]["what"] == f"the node a is in {where}"
    for each in cluster.objects[NODES]["items"]:
        each["metadata"]["labels"]["topology.kubernetes.io/region"] = "eu-west-1"
    examine(0, *in_europe)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "neither of --values and --in-cluster"),
        (["--values", "x.yaml", "--in-cluster", "--", "run"], "both of --values and --in-cluster"),
        (["--values", "x.yaml", "--", "run"], "'run' is named, and --in-cluster is not"),
    ],
)
def test_one_place_to_look_from(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["doctor", *arguments]) == 2
    assert said in capsys.readouterr().err
