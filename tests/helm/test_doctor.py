"""The pod of `helm test`, which resembles the driver but runs `doctor`."""

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
    """The spec of the application for the same values."""
    (manifest,) = render(file=KIND, show_only="sparkapplication")
    return dict(manifest["spec"])


def container_of(pod_spec: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod_spec["containers"]
    return dict(only)


def test_the_pod_is_a_helm_test_and_keeps_its_log(pod: Manifest) -> None:
    assert pod["metadata"]["annotations"] == {
        "helm.sh/hook": "test",
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }
    assert pod["spec"]["restartPolicy"] == "Never"


def test_the_pod_is_not_part_of_a_run(render: Render) -> None:
    assert "Pod" not in {manifest["kind"] for manifest in render(file=KIND)}


def test_the_pod_has_account_image_and_security_of_the_driver(
    pod: Manifest, spec: dict[str, Any]
) -> None:
    driver, doctor = spec["driver"]["template"], pod["spec"]
    assert doctor["serviceAccountName"] == spec["driver"]["serviceAccount"]
    assert driver["metadata"]["labels"].items() <= pod["metadata"]["labels"].items()
    for field in ("securityContext", "nodeSelector", "volumes"):
        assert doctor[field] == driver["spec"][field]
    container = container_of(doctor)
    for field in ("env", "securityContext", "volumeMounts", "terminationMessagePolicy"):
        assert container[field] == container_of(driver["spec"])[field]
    assert (container["image"], container["imagePullPolicy"]) == (
        spec["image"],
        spec["imagePullPolicy"],
    )


def test_the_pod_gets_the_settings_and_arguments_of_the_run(
    pod: Manifest, spec: dict[str, Any]
) -> None:
    words = container_of(pod["spec"])["args"]
    assert words[:3] == ["image-features", "doctor", "--in-cluster"]
    end = words.index("--")
    assert words[3:end:2] == ["--conf"] * ((end - 3) // 2)
    settings = dict(word.split("=", 1) for word in words[4:end:2])
    assert settings == spec["sparkConf"] | {"spark.driver.memory": "1g"}
    assert words[end + 1 :] == spec["arguments"]


def test_the_pod_requests_the_memory_of_the_driver_with_a_limit_for_one_more_worker(
    render: Render,
) -> None:
    values = {"driver": {"memory": "2g", "memoryOverhead": "1500m", "coreLimit": "2"}}
    (manifest,) = render(values, show_only="tests/doctor")
    assert container_of(manifest["spec"])["resources"] == {
        "requests": {"cpu": "1", "memory": "3548Mi"},
        "limits": {"cpu": "2", "memory": "4748Mi"},
    }
