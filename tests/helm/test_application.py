"""The rendered application: first with default values, then one value in each test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.helm.conftest import CHART, Manifest, Render, RenderError

Application = Callable[..., Manifest]


def container(application: Manifest, role: str) -> dict[str, Any]:
    (only,) = application["spec"][role]["template"]["spec"]["containers"]
    return dict(only)


def environment(application: Manifest, role: str) -> dict[str, Any]:
    return {entry["name"]: entry for entry in container(application, role).get("env", [])}


def pod_spec(application: Manifest, role: str) -> dict[str, Any]:
    return dict(application["spec"][role]["template"]["spec"])


def test_a_run_is_named_after_release_and_revision(application: Application) -> None:
    assert application()["metadata"]["name"] == "fruits-r1"


def test_a_run_is_named_after_its_run_id(application: Application) -> None:
    assert application({"runId": "monday"})["metadata"]["name"] == "fruits-monday"


def test_a_name_above_40_characters_is_refused_with_its_length(application: Application) -> None:
    with pytest.raises(
        RenderError, match=r'"fruits-a{34}", which is 41 characters; expected at most 40'
    ):
        application({"runId": "a" * 34})


def test_an_application_survives_an_upgrade_and_is_deleted_after_its_time_to_live(
    application: Application,
) -> None:
    manifest = application({"timeToLiveSeconds": 600})
    assert manifest["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert manifest["spec"]["timeToLiveSeconds"] == 600


def test_the_application_runs_the_job_of_the_image(application: Application) -> None:
    spec = application()["spec"]
    assert spec["mainApplicationFile"] == "local:///opt/image-features/main.py"
    assert spec["arguments"] == ["run"]
    assert spec["image"] == "image-features:0.1.0"
    assert (spec["type"], spec["mode"], spec["sparkVersion"]) == ("Python", "cluster", "4.1.2")


def test_any_subcommand_can_be_the_application(application: Application) -> None:
    arguments = ["--output", "s3a://results/a folder"]
    spec = application({"command": "fit", "arguments": arguments})["spec"]
    assert spec["arguments"] == ["fit", *arguments]


def test_a_digest_wins_over_a_tag(application: Application) -> None:
    image = {"repository": "registry/job", "tag": "1", "digest": "sha256:" + "0" * 64}
    assert application({"image": image})["spec"]["image"] == "registry/job@sha256:" + "0" * 64


def test_every_setting_of_the_base_list_is_in_the_application(application: Application) -> None:
    base = yaml.safe_load((CHART / "files" / "spark-base.yaml").read_text())
    conf = application()["spec"]["sparkConf"]
    assert {key: conf[key] for key in base} == {key: str(value) for key, value in base.items()}


def test_settings_are_strings_and_spark_conf_wins(application: Application) -> None:
    conf = application({"sparkConf": {"spark.task.maxFailures": "2", "spark.x": True}})["spec"][
        "sparkConf"
    ]
    assert conf["spark.task.maxFailures"] == "2"
    assert conf["spark.x"] == "true"
    assert {type(value) for value in conf.values()} == {str}


@pytest.mark.parametrize(
    "key",
    [
        "spark.master",
        "spark.kubernetes.container.image",
        "spark.kubernetes.authenticate.driver.serviceAccountName",
        "spark.kubernetes.authenticate.oauthToken",
        "spark.kubernetes.namespace",
        "spark.executor.decommission.enabled",
        "spark.hadoop.fs.s3a.secret.key",
    ],
)
def test_the_error_for_an_unusable_setting_has_its_name(application: Application, key: str) -> None:
    with pytest.raises(RenderError, match=key):
        application({"sparkConf": {key: "x"}})


@pytest.mark.parametrize("role", ["driver", "executor"])
def test_pods_meet_the_restricted_pod_security_standard(
    application: Application, role: str
) -> None:
    manifest = application()
    pod, security = pod_spec(manifest, role), container(manifest, role)["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 185
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("role", ["driver", "executor"])
def test_pods_can_write_only_to_empty_dir_volumes(application: Application, role: str) -> None:
    manifest = application({"scratch": {"sizeLimit": "", "tmpSizeLimit": "1Gi"}})
    mounts = {
        mount["name"]: mount["mountPath"] for mount in container(manifest, role)["volumeMounts"]
    }
    assert mounts == {
        "tmp": "/tmp",
        "work-dir": "/opt/spark/work-dir",
        "spark-local-dir-1": "/var/data/spark",
    }
    volumes = {volume["name"]: volume["emptyDir"] for volume in pod_spec(manifest, role)["volumes"]}
    assert volumes == {
        "tmp": {"sizeLimit": "1Gi"},
        "work-dir": {"sizeLimit": "1Gi"},
        "spark-local-dir-1": {},
    }


def test_the_run_id_is_the_name_of_the_application(application: Application) -> None:
    source = environment(application(), "driver")["IMAGE_FEATURES_RUN_ID"]["valueFrom"]
    assert source == {"fieldRef": {"fieldPath": "metadata.labels['sparkoperator.k8s.io/app-name']"}}


@pytest.mark.parametrize(
    ("credentials", "provider"),
    [
        ("irsa", "WebIdentityTokenFileCredentialsProvider"),
        ("podIdentity", "ContainerCredentialsProvider"),
        ("secret", "EnvironmentVariableCredentialsProvider"),
    ],
)
def test_credentials_have_a_provider_of_sdk_v2(
    application: Application, credentials: str, provider: str
) -> None:
    conf = application({"s3": {"credentials": credentials, "secretName": "keys"}})["spec"][
        "sparkConf"
    ]
    expected = f"software.amazon.awssdk.auth.credentials.{provider}"
    assert conf["spark.hadoop.fs.s3a.aws.credentials.provider"] == expected


@pytest.mark.parametrize("role", ["driver", "executor"])
def test_keys_come_from_a_secret_through_the_environment(
    application: Application, role: str
) -> None:
    manifest = application({"s3": {"credentials": "secret", "secretName": "keys"}})
    source = environment(manifest, role)["AWS_SECRET_ACCESS_KEY"]["valueFrom"]
    assert source == {"secretKeyRef": {"name": "keys", "key": "AWS_SECRET_ACCESS_KEY"}}


def test_a_secret_without_a_name_is_refused(application: Application) -> None:
    with pytest.raises(
        RenderError, match=r"s3\.secretName is empty; expected the name of a Secret"
    ):
        application({"s3": {"credentials": "secret"}})


def test_another_store_has_endpoint_region_and_path_style(application: Application) -> None:
    s3 = {"endpoint": "http://s3:8333", "region": "us-east-1", "pathStyle": True}
    conf = application({"s3": s3})["spec"]["sparkConf"]
    assert conf["spark.hadoop.fs.s3a.endpoint"] == "http://s3:8333"
    assert conf["spark.hadoop.fs.s3a.connection.ssl.enabled"] == "false"
    assert conf["spark.hadoop.fs.s3a.endpoint.region"] == "us-east-1"
    assert conf["spark.hadoop.fs.s3a.path.style.access"] == "true"


def test_aws_has_no_endpoint_setting(application: Application) -> None:
    conf = application()["spec"]["sparkConf"]
    assert "spark.hadoop.fs.s3a.endpoint" not in conf


def test_dynamic_allocation_requests_and_releases_executors(
    application: Application,
) -> None:
    spec = application()["spec"]
    assert spec["dynamicAllocation"] == {
        "enabled": True,
        "minExecutors": 1,
        "initialExecutors": 1,
        "maxExecutors": 10,
        "shuffleTrackingEnabled": True,
        "shuffleTrackingTimeout": 300_000,
    }
    assert spec["sparkConf"]["spark.dynamicAllocation.cachedExecutorIdleTimeout"] == "300s"
    assert "instances" not in spec["executor"]


def test_without_dynamic_allocation_the_number_of_executors_is_fixed(
    application: Application,
) -> None:
    spec = application({"dynamicAllocation": {"enabled": False}, "executor": {"instances": 7}})[
        "spec"
    ]
    assert spec["executor"]["instances"] == 7
    assert "dynamicAllocation" not in spec


def test_an_evicted_executor_moves_its_blocks(application: Application) -> None:
    spec = application({"decommission": {"fallbackStoragePath": "s3a://b/blocks"}})["spec"]
    conf = spec["sparkConf"]
    on = [
        "spark.decommission.enabled",
        "spark.storage.decommission.enabled",
        "spark.storage.decommission.shuffleBlocks.enabled",
        "spark.storage.decommission.rddBlocks.enabled",
    ]
    assert [conf[key] for key in on] == ["true"] * 4
    # With the default of 30 s, an executor with blocks would cost money after its work.
    assert conf["spark.storage.decommission.replicationReattemptInterval"] == "5s"
    assert conf["spark.storage.decommission.fallbackStorage.path"] == "s3a://b/blocks/"
    assert conf["spark.kubernetes.decommission.script"] == "/opt/decom.sh"
    assert spec["executor"]["template"]["spec"]["terminationGracePeriodSeconds"] == 110


def test_decommissioning_can_be_off(application: Application) -> None:
    conf = application({"decommission": {"enabled": False}})["spec"]["sparkConf"]
    assert not [key for key in conf if "decommission" in key]


def test_a_failed_submission_is_retried_but_a_failed_run_is_not(
    application: Application,
) -> None:
    assert application()["spec"]["restartPolicy"] == {
        "type": "OnFailure",
        "onFailureRetries": 0,
        "onFailureRetryInterval": 30,
        "onSubmissionFailureRetries": 5,
        "onSubmissionFailureRetryInterval": 30,
    }


def test_cpu_requests_may_differ_from_cores(application: Application) -> None:
    executor = application({"executor": {"cores": 4, "coreRequest": "3500m"}})["spec"]["executor"]
    assert (executor["cores"], executor["coreRequest"]) == (4, "3500m")
    assert "coreLimit" not in executor


def test_a_zone_applies_to_all_pods(application: Application) -> None:
    manifest = application({"zone": "eu-central-1a", "driver": {"nodeSelector": {"pool": "a"}}})
    assert pod_spec(manifest, "driver")["nodeSelector"] == {
        "pool": "a",
        "topology.kubernetes.io/zone": "eu-central-1a",
    }
    assert pod_spec(manifest, "executor")["nodeSelector"] == {
        "topology.kubernetes.io/zone": "eu-central-1a"
    }


def test_executors_prefer_the_drivers_zone(application: Application) -> None:
    affinity = pod_spec(application(), "executor")["affinity"]["podAffinity"]
    (term,) = affinity["preferredDuringSchedulingIgnoredDuringExecution"]
    assert term["podAffinityTerm"]["topologyKey"] == "topology.kubernetes.io/zone"
    labels = term["podAffinityTerm"]["labelSelector"]["matchLabels"]
    assert labels["app.kubernetes.io/component"] == "driver"


def test_zone_affinity_can_be_off(application: Application) -> None:
    assert "affinity" not in pod_spec(application({"sameZone": False}), "executor")


def test_the_event_log_is_off_without_a_folder(application: Application) -> None:
    assert "spark.eventLog.enabled" not in application()["spec"]["sparkConf"]


def test_the_event_log_goes_to_its_folder(application: Application) -> None:
    conf = application({"eventLog": {"dir": "s3a://b/logs"}})["spec"]["sparkConf"]
    assert (conf["spark.eventLog.enabled"], conf["spark.eventLog.dir"]) == ("true", "s3a://b/logs")


def test_environment_and_annotations_reach_the_pod(application: Application) -> None:
    values = {"executor": {"env": [{"name": "A", "value": "b"}], "annotations": {"x/y": "z"}}}
    manifest = application(values)
    assert environment(manifest, "executor")["A"]["value"] == "b"
    assert manifest["spec"]["executor"]["template"]["metadata"]["annotations"] == {"x/y": "z"}


def test_a_schedule_renders_runs_that_do_not_overlap(render: Render) -> None:
    manifests = render({"schedule": "0 2 * * *"})
    kinds = {manifest["kind"]: manifest for manifest in manifests}
    assert "SparkApplication" not in kinds
    scheduled = kinds["ScheduledSparkApplication"]
    assert scheduled["metadata"]["name"] == "fruits"
    assert scheduled["spec"]["schedule"] == "0 2 * * *"
    assert scheduled["spec"]["concurrencyPolicy"] == "Forbid"
    assert scheduled["spec"]["template"]["arguments"] == ["run"]


def test_a_schedule_needs_a_short_name(render: Render) -> None:
    with pytest.raises(RenderError, match="expected at most 20 with a schedule"):
        render({"schedule": "0 2 * * *"}, release="a" * 21)


def encryption_settings(application: Application, **values: Any) -> dict[str, str]:
    conf = application({"encryption": values})["spec"]["sparkConf"]
    words = ("encryption", "authenticate", "network.crypto")
    return {key: value for key, value in conf.items() if any(word in key for word in words)}


def test_by_default_no_encryption_is_set(application: Application) -> None:
    assert encryption_settings(application) == {}


def test_objects_are_encrypted_with_the_key_of_the_values(application: Application) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd"
    algorithm, key_id = (f"spark.hadoop.fs.s3a.encryption.{name}" for name in ("algorithm", "key"))
    assert encryption_settings(application, atRest="SSE-S3") == {algorithm: "AES256"}
    assert encryption_settings(application, atRest="SSE-KMS") == {algorithm: "SSE-KMS"}
    both = {algorithm: "SSE-KMS", key_id: key}
    assert encryption_settings(application, atRest="SSE-KMS", kmsKeyArn=key) == both
    # s3a refuses a key with SSE-S3.
    with_s3 = encryption_settings(application, atRest="SSE-S3", kmsKeyArn=key)
    assert with_s3 == {algorithm: "AES256"}


def test_traffic_between_driver_and_executors_can_be_encrypted(application: Application) -> None:
    assert encryption_settings(application, inTransit=True) == {
        "spark.authenticate": "true",
        "spark.network.crypto.enabled": "true",
        "spark.network.crypto.authEngineVersion": "2",
        "spark.network.crypto.saslFallback": "false",
    }


def test_allowed_regions_are_an_argument_of_the_job(application: Application) -> None:
    arguments = application({"allowedRegions": ["eu-*", "us-east-1"]})["spec"]["arguments"]
    assert arguments == ["run", "--allowed-regions=eu-*,us-east-1"]
    assert application()["spec"]["arguments"] == ["run"]
