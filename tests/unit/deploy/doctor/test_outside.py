"""`doctor` against a Kubernetes API: what it says is well, and each thing that is wrong."""

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
    """A cluster on which all is well."""
    make_healthy(api)
    return api


@pytest.fixture
def examine(cluster: KubernetesApi, capsys: pytest.CaptureFixture[str]) -> Examine:
    """examine(exit_code, *more options) -> outcome by check."""

    def run(exit_code: int, *more: str) -> Checks:
        capsys.readouterr()
        names = ["--release", "fruits", "--run-id", "one"]
        code = main(["doctor", "--values", str(KIND), *names, "--json", *more])
        checks = json.loads(capsys.readouterr().out)["checks"]
        assert code == exit_code, checks
        return {each["check"]: each for each in checks}

    return run


def wrong(checks: Checks) -> list[str]:
    return [name for name, each in checks.items() if each["state"] == "wrong"]


def skipped(checks: Checks) -> list[str]:
    return [name for name, each in checks.items() if each["state"] == "skipped"]


def test_all_is_well_and_nothing_is_changed(cluster: KubernetesApi, examine: Examine) -> None:
    checks = examine(0)
    assert wrong(checks) == []
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
    assert "wrong   operator: no spark-operator watches images; there is none at all\n" in said.out
    assert "  fix: install the kubeflow spark-operator" in said.out
    assert said.err.splitlines()[-1].startswith(
        "image-features: 11 ok, 1 wrong, 2 skipped: operator"
    )


def test_wrong_values(examine: Examine) -> None:
    checks = examine(2, "--set", "executor.cores=64")
    assert wrong(checks) == ["values"]
    assert "executor.memoryOverhead" in checks["values"]["what"]
    assert "rights" in skipped(checks)


def test_a_cluster_that_does_not_answer(
    cluster: KubernetesApi, examine: Examine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = KubernetesApi(port=1).kubeconfig(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(nobody))
    checks = examine(8)
    assert wrong(checks) == ["context"]
    assert "127.0.0.1:1" in checks["context"]["what"]
    assert {"kinds", "rights", "operator", "webhook", "objects", "image"} <= set(skipped(checks))


def test_a_missing_namespace(cluster: KubernetesApi, examine: Examine) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}"
    cluster.answers[path] = [status(404, "not found", kind="namespaces", name=NAMESPACE)]
    assert examine(12)["namespace"]["fix"] == f"kubectl create namespace {NAMESPACE}"


def test_a_custom_resource_that_is_not_served(cluster: KubernetesApi, examine: Examine) -> None:
    cluster.answers[f"{OPERATOR}/v1beta2"] = [PAGE_NOT_FOUND]
    cluster.objects[OPERATOR] = {"versions": [{"version": "v1beta1"}]}
    checks = examine(12)
    assert wrong(checks) == ["kinds"]
    assert "of sparkoperator.k8s.io there is v1beta1" in checks["kinds"]["what"]
    assert "webhook" in skipped(checks)


def test_rights_that_are_missing_are_named(cluster: KubernetesApi, examine: Examine) -> None:
    cluster.allowed = lambda asked: (
        (asked["verb"], asked["resource"])
        not in {
            ("create", "networkpolicies"),
            ("escalate", "roles"),
            ("deletecollection", "pods"),
        }
    )
    checks = examine(4)
    assert wrong(checks) == ["rights"]
    assert checks["rights"]["what"] == (
        "you may not create networkpolicies/fruits, create networkpolicies/fruits-driver, "
        "give what Role fruits-driver gives (deletecollection pods) in images"
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
    assert wrong(examine(0 if watches else 12)) == ([] if watches else ["operator"])


def test_an_operator_that_does_not_run(cluster: KubernetesApi, examine: Examine) -> None:
    cluster.objects[CONTROLLERS] = {"items": [controller(available=0)]}
    assert "(0 of 1 available)" in examine(12)["operator"]["what"]


def test_a_webhook_that_is_not_there(cluster: KubernetesApi, examine: Examine) -> None:
    cluster.refuses = {}
    checks = examine(12)
    assert wrong(checks) == ["webhook"]
    assert "would be taken" in checks["webhook"]["what"]


def test_a_webhook_that_does_not_answer(cluster: KubernetesApi, examine: Examine) -> None:
    message = 'Internal error occurred: failed calling webhook "v": connection refused'
    cluster.answers[RUNS] = [status(500, message)]
    checks = examine(12)
    assert wrong(checks) == ["webhook"]
    assert checks["webhook"]["fix"].startswith("kubectl get pods")


def test_an_object_that_the_server_would_not_take(cluster: KubernetesApi, examine: Examine) -> None:
    path = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets/fruits-driver"
    cluster.answers[path] = [status(403, "exceeded quota: objects")]
    assert "exceeded quota" in examine(2)["objects"]["what"]


def test_an_account_that_was_to_be_there(cluster: KubernetesApi, examine: Examine) -> None:
    sets = "serviceAccounts.executor.create=false,serviceAccounts.executor.name=mine"
    checks = examine(12, "--set", sets)
    assert wrong(checks) == ["accounts"]
    assert "kubectl create serviceaccount mine" in checks["accounts"]["fix"]


def test_a_secret_without_a_key(cluster: KubernetesApi, examine: Examine) -> None:
    cluster.objects[SECRET] = {"data": {"AWS_ACCESS_KEY_ID": ""}}
    assert "no key AWS_SECRET_ACCESS_KEY" in examine(12)["credentials-secret"]["what"]
    del cluster.objects[SECRET]
    assert wrong(examine(12)) == ["credentials-secret"]


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


def test_what_may_not_be_looked_at_is_skipped(cluster: KubernetesApi, examine: Examine) -> None:
    for path in (NODES, CONTROLLERS, SECRET, f"/api/v1/namespaces/{NAMESPACE}"):
        cluster.answers[path] = [status(403, FORBIDDEN)]
    checks = examine(0)
    assert {"operator", "credentials-secret", "image"} <= set(skipped(checks))
    assert "cannot list" in checks["operator"]["what"]


@pytest.mark.parametrize(
    ("region", "where"), [("", "a region that nobody names"), ("us-east-1", "us-east-1")]
)
def test_a_region_that_is_not_allowed(
    cluster: KubernetesApi, examine: Examine, region: str, where: str
) -> None:
    in_europe = ["--set", "s3.region=eu-west-1", "--set", "allowedRegions={eu-*}"]
    for each in cluster.objects[NODES]["items"]:
        each["metadata"]["labels"]["topology.kubernetes.io/region"] = region
    checks = examine(2, *in_europe)
    assert wrong(checks) == ["allowed-regions"]
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
