"""The pod of `helm test`: like the driver, with another command."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helm.conftest import CHART, Manifest, Render

KIND = CHART / "ci" / "kind.yaml"


@pytest.fixture(scope="module")
def pod(render: Render) -> Manifest:
    (manifest,) = render(file=KIND, show_only="tests/doctor")
    return manifest


@pytest.fixture(scope="module")
def spec(render: Render) -> dict[str, Any]:
    """The spec of the application of the same values."""
    (manifest,) = render(file=KIND, show_only="sparkapplication")
    return dict(manifest["spec"])


def container_of(pod_spec: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod_spec["containers"]
    return dict(only)


def test_it_is_a_test_of_helm_and_its_log_stays(pod: Manifest) -> None:
    assert pod["metadata"]["annotations"] == {
        "helm.sh/hook": "test",
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }
    assert pod["spec"]["restartPolicy"] == "Never"


def test_it_is_no_part_of_a_run(render: Render) -> None:
    assert "Pod" not in {manifest["kind"] for manifest in render(file=KIND)}


def test_it_has_account_image_and_limits_of_the_driver(pod: Manifest, spec: dict[str, Any]) -> None:
    theirs, ours = spec["driver"]["template"], pod["spec"]
    assert ours["serviceAccountName"] == spec["driver"]["serviceAccount"]
    assert theirs["metadata"]["labels"].items() <= pod["metadata"]["labels"].items()
    for field in ("securityContext", "nodeSelector", "volumes"):
        assert ours[field] == theirs["spec"][field]
    container = container_of(ours)
    for field in ("env", "securityContext", "volumeMounts", "terminationMessagePolicy"):
        assert container[field] == container_of(theirs["spec"])[field]
    assert (container["image"], container["imagePullPolicy"]) == (
        spec["image"],
        spec["imagePullPolicy"],
    )


def test_it_gets_the_settings_and_arguments_of_the_run(pod: Manifest, spec: dict[str, Any]) -> None:
    words = container_of(pod["spec"])["args"]
    assert words[:3] == ["image-features", "doctor", "--in-cluster"]
    end = words.index("--")
    assert words[3:end:2] == ["--conf"] * ((end - 3) // 2)
    settings = dict(each.split("=", 1) for each in words[4:end:2])
    assert settings == spec["sparkConf"] | {"spark.driver.memory": "1g"}
    assert words[end + 1 :] == spec["arguments"]


def test_it_asks_for_the_drivers_memory_and_may_have_a_worker_more(render: Render) -> None:
    values = {"driver": {"memory": "2g", "memoryOverhead": "1500m", "coreLimit": "2"}}
    (manifest,) = render(values, show_only="tests/doctor")
    assert container_of(manifest["spec"])["resources"] == {
        "requests": {"cpu": "1", "memory": "3548Mi"},
        "limits": {"cpu": "2", "memory": "4748Mi"},
    }
