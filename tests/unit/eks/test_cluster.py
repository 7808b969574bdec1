"""The files of k8s/eks match eksctl's schema and each other's names."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from job.cli import main

ROOT = Path(__file__).parents[3]
EKS = ROOT / "k8s" / "eks"
VALUES = EKS / "values.yaml"
SCHEMA = Path(__file__).with_name("eksctl_schema.json")
Manifest = dict[str, Any]


def read(path: Path) -> Manifest:
    found: Manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


CLUSTER = read(EKS / "cluster.yaml")
GROUPS = CLUSTER["managedNodeGroups"]
SPOT = [group for group in GROUPS if group.get("spot")]
ON_DEMAND = [group for group in GROUPS if group not in SPOT]


@pytest.fixture
def refused(tmp_path: Path, helm: str) -> Any:
    """Validates a document with a JSON schema, by helm; returns helm's errors."""
    chart = tmp_path / "chart"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: schema\nversion: 0.0.0\n")

    def said(document: Manifest, schema: str) -> str:
        (chart / "values.schema.json").write_text(schema, encoding="utf-8")
        (chart / "values.yaml").write_text(json.dumps(document), encoding="utf-8")
        command = [helm, "template", str(chart)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr

    return said


def test_the_cluster_is_of_eksctl_s_form(refused: Any) -> None:
    assert refused(CLUSTER, SCHEMA.read_text()) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"managedNodeGroup": []}, "'managedNodeGroup' not allowed"),
        ({"managedNodeGroups": [{"name": "x", "spots": True}]}, "'spots' not allowed"),
        ({"managedNodeGroups": [{"spot": True}]}, "missing property 'name'"),
        ({"managedNodeGroups": [{"name": "x", "taints": [{"effect": "No"}]}]}, "effect"),
        ({"iam": {"withOIDC": "yes"}}, "withOIDC"),
    ],
)
def test_a_field_that_eksctl_does_not_have_is_found(
    refused: Any, change: Manifest, said: str
) -> None:
    assert said in refused({**CLUSTER, **change}, SCHEMA.read_text())


def test_a_group_of_executors_is_in_one_zone_of_the_cluster() -> None:
    zones = [group["availabilityZones"] for group in SPOT]
    assert zones == [[zone] for zone in CLUSTER["availabilityZones"]]
    region = CLUSTER["metadata"]["region"]
    assert all(re.fullmatch(rf"{region}[a-z]", zone) for (zone,) in zones)


def test_the_autoscaler_can_make_the_first_node_of_a_group() -> None:
    for group in SPOT:
        assert group["minSize"] == group["desiredCapacity"] == 0
    for group in GROUPS:
        assert group["propagateASGTags"], "labels and taints of a group without nodes"
        assert group["minSize"] <= group["desiredCapacity"] <= group["maxSize"]


def test_disks_are_encrypted_and_no_pod_takes_the_role_of_its_node() -> None:
    for group in GROUPS:
        assert group["volumeEncrypted"]
        assert group["disablePodIMDS"]
        assert group["privateNetworking"]


def test_the_autoscaler_is_of_this_cluster_and_has_its_rights() -> None:
    values = read(EKS / "autoscaler-values.yaml")
    assert values["autoDiscovery"]["clusterName"] == CLUSTER["metadata"]["name"]
    assert values["awsRegion"] == CLUSTER["metadata"]["region"]
    (association,) = CLUSTER["iam"]["podIdentityAssociations"]
    assert association["wellKnownPolicies"] == {"autoScaler": True}
    account = (association["namespace"], association["serviceAccountName"])
    assert account == ("kube-system", values["rbac"]["serviceAccount"]["name"])


def test_pods_find_nodes_of_these_groups() -> None:
    values, operator = read(VALUES), read(ROOT / "k8s" / "spark-operator-values.yaml")
    (on_demand,) = {json.dumps(group["labels"]) for group in ON_DEMAND}
    (spot,) = {json.dumps(group["labels"]) for group in SPOT}
    for pods in (values["driver"], operator["controller"], operator["webhook"]):
        assert json.dumps(pods["nodeSelector"]) == on_demand
    assert read(EKS / "autoscaler-values.yaml")["nodeSelector"] == json.loads(on_demand)
    assert json.dumps(values["executor"]["nodeSelector"]) == spot
    assert values["zone"] in CLUSTER["availabilityZones"]
    for group in SPOT:
        for taint in group["taints"]:
            tolerated = {"key": taint["key"], "operator": "Exists", "effect": taint["effect"]}
            assert tolerated in values["executor"]["tolerations"]


@pytest.mark.usefixtures("helm")
def test_the_values_are_right_for_these_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    node = ["--node-memory", "8Gi", "--node-cores", "2"]
    assert main(["lint", str(VALUES), "--strict", *node]) == 0, capsys.readouterr().out


@pytest.mark.usefixtures("helm")
def test_the_page_s_files_of_a_role_are_those_that_render_writes(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "eks.md").read_text(encoding="utf-8")
    named = set(re.findall(r"file://iam/(\S+)", page))
    arguments = ["render", "--target", "iam", "--release", "fruits", "--run-id", "any"]
    by_identity = ["--set", "s3.credentials=podIdentity"]
    on_emr = str(ROOT / "helm" / "image-features" / "ci" / "emr.yaml")
    folder = ["--output-dir", str(tmp_path)]
    for name, values in {"policy.json": [str(VALUES)], "emr-policy.json": [on_emr]}.items():
        output = ["--output", str(tmp_path / name)]
        assert main([*arguments, "--values", *values, *output, *folder]) == 0
    again = ["--output", str(tmp_path / "policy.json")]
    assert main([*arguments, "--values", str(VALUES), *by_identity, *again, *folder]) == 0
    assert named == set(os.listdir(tmp_path))
