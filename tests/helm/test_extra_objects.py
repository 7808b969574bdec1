"""The other rendered objects: service accounts, RBAC, network, disruption, monitoring."""

from __future__ import annotations

from typing import Any

from tests.helm.conftest import Render

LABELS = {"app.kubernetes.io/name": "image-features", "app.kubernetes.io/instance": "fruits"}
DRIVER = {**LABELS, "app.kubernetes.io/component": "driver"}
EVERYWHERE = ("--api-versions", "monitoring.coreos.com/v1")


def test_all_kinds_are_rendered_by_default(render: Render) -> None:
    kinds = sorted(manifest["kind"] for manifest in render(arguments=EVERYWHERE))
    assert kinds == [
        "NetworkPolicy",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PodMonitor",
        "Role",
        "RoleBinding",
        "ServiceAccount",
        "ServiceAccount",
        "SparkApplication",
    ]


def test_all_objects_have_the_namespace_and_labels_of_the_release(render: Render) -> None:
    for manifest in render(arguments=EVERYWHERE):
        assert manifest["metadata"]["namespace"] == "images"
        assert LABELS.items() <= manifest["metadata"]["labels"].items()


def test_driver_and_executors_have_separate_service_accounts(render: Render) -> None:
    driver, executor = render(show_only="serviceaccount")
    assert driver["metadata"]["name"] == "fruits-driver"
    assert executor["metadata"]["name"] == "fruits-executor"
    assert executor["automountServiceAccountToken"] is False


def test_service_accounts_have_the_annotations_of_irsa(render: Render) -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/r"}
    _, executor = render(
        {"serviceAccounts": {"executor": {"annotations": role}}}, show_only="serviceaccount"
    )
    assert executor["metadata"]["annotations"] == role


def test_an_existing_service_account_is_used(render: Render) -> None:
    manifests = render({"serviceAccounts": {"driver": {"create": False, "name": "mine"}}})
    accounts = [m["metadata"]["name"] for m in manifests if m["kind"] == "ServiceAccount"]
    (application,) = (m for m in manifests if m["kind"] == "SparkApplication")
    (binding,) = (m for m in manifests if m["kind"] == "RoleBinding")
    assert accounts == ["fruits-executor"]
    assert application["spec"]["driver"]["serviceAccount"] == "mine"
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "mine", "namespace": "images"}
    ]


def test_the_driver_may_only_handle_pods(render: Render) -> None:
    (role,) = render(show_only="role")
    (rule,) = role["rules"]
    assert (rule["apiGroups"], rule["resources"]) == ([""], ["pods"])
    assert rule["verbs"] == [
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "watch",
    ]


def test_the_driver_is_protected_from_drains(render: Render) -> None:
    (budget,) = render(show_only="poddisruptionbudget")
    assert budget["spec"] == {"minAvailable": 1, "selector": {"matchLabels": DRIVER}}


def test_pods_reach_only_each_other_dns_and_s3(render: Render) -> None:
    policy, _ = render(
        {"networkPolicy": {"s3": {"cidrs": ["10.0.0.0/8"]}}}, show_only="networkpolicy"
    )
    spec = policy["spec"]
    assert spec["podSelector"] == {"matchLabels": LABELS}
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [{"from": [{"podSelector": {"matchLabels": LABELS}}]}]
    each_other, dns, s3 = spec["egress"]
    assert each_other == {"to": [{"podSelector": {"matchLabels": LABELS}}]}
    assert [port["port"] for port in dns["ports"]] == [53, 53]
    assert s3 == block("10.0.0.0/8", 443)


def test_only_the_driver_reaches_the_api_server(render: Render) -> None:
    _, driver = render(show_only="networkpolicy")
    assert driver["spec"]["podSelector"] == {"matchLabels": DRIVER}
    assert driver["spec"]["egress"] == [block("0.0.0.0/0", 443, 6443)]
    assert "ingress" not in driver["spec"]


def test_prometheus_may_read_the_metrics_of_the_driver(render: Render) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    _, driver = render({"networkPolicy": {"scrapeFrom": [peer]}}, show_only="networkpolicy")
    assert driver["spec"]["ingress"] == [
        {"from": [peer], "ports": [{"port": 4040, "protocol": "TCP"}]}
    ]


def test_pods_reach_the_agent_of_pod_identity(render: Render) -> None:
    policy, _ = render({"s3": {"credentials": "podIdentity"}}, show_only="networkpolicy")
    assert block("169.254.170.23/32", 80) in policy["spec"]["egress"]


def test_a_pod_monitor_is_rendered_only_if_the_cluster_has_the_kind(render: Render) -> None:
    assert "PodMonitor" not in {manifest["kind"] for manifest in render()}


def test_the_pod_monitor_scrapes_the_metrics_of_the_driver(render: Render) -> None:
    values = {"metrics": {"podMonitor": {"labels": {"release": "prometheus"}}}}
    manifests = render(values, arguments=EVERYWHERE)
    (monitor,) = (manifest for manifest in manifests if manifest["kind"] == "PodMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"] == {"matchLabels": DRIVER}
    paths = [endpoint["path"] for endpoint in monitor["spec"]["podMetricsEndpoints"]]
    assert paths == ["/metrics/prometheus", "/metrics/executors/prometheus"]


def test_without_metrics_nothing_is_published(render: Render) -> None:
    manifests = render({"metrics": {"enabled": False}}, arguments=EVERYWHERE)
    kinds = {manifest["kind"]: manifest for manifest in manifests}
    assert "PodMonitor" not in kinds
    assert "spark.ui.prometheus.enabled" not in kinds["SparkApplication"]["spec"]["sparkConf"]


def test_disabled_objects_are_not_rendered(render: Render) -> None:
    off = {
        "rbac": {"create": False},
        "networkPolicy": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
    }
    kinds = {manifest["kind"] for manifest in render(off)}
    assert kinds == {"ServiceAccount", "SparkApplication"}


def block(cidr: str, *ports: int) -> dict[str, Any]:
    return {
        "to": [{"ipBlock": {"cidr": cidr}}],
        "ports": [{"port": port, "protocol": "TCP"} for port in ports],
    }
