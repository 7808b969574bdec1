"""Conversion of single fields, settings and limits."""

from __future__ import annotations

import subprocess
from copy import deepcopy
from pathlib import Path
from shlex import split
from typing import Any

import pytest
import yaml

from job.deploy.render.targets import emr, pods, spark_submit
from job.deploy.render.targets.common import OmittedField, format_omitted, spark_settings
from job.deploy.render.targets.key_mapping import (
    EMR,
    EMR_CONTAINER_FIELDS,
    EMR_POD_FIELDS,
    SPARK_SUBMIT,
)
from job.errors import InvalidValueError
from tests.unit.deploy.submit.service_model import complaints

CLUSTER = "abc"
Manifest = dict[str, Any]


def application(**spec: Any) -> Manifest:
    """A SparkApplication with the little that converters rely on."""
    role = {
        "template": {
            "spec": {
                "containers": [{"name": "main", "volumeMounts": []}],
                "volumes": [],
            }
        }
    }
    return {
        "metadata": {"name": "fruits-one", "namespace": "images"},
        "spec": {
            "mainApplicationFile": "local:///main.py",
            "restartPolicy": {"onFailureRetries": 0},
            "driver": {"cores": 1, **deepcopy(role)},
            "executor": {"cores": 1, **deepcopy(role)},
            **spec,
        },
    }


def asked(**spec: Any) -> Manifest:
    of_emr = {
        "executionRoleArn": "arn:aws:iam::123456789012:role/emr",
        "releaseLabel": "emr-spark-8.0.0-latest",
        "podTemplates": "s3://bucket/templates",
        "logs": {"cloudWatch": "", "s3": ""},
        "tags": {},
    }
    return {"spec": {**of_emr, **spec}}


def request(app: Manifest, **of_emr: Any) -> dict[str, Any]:
    return emr.convert(app, [], asked(**of_emr), CLUSTER).request


def classified(made: dict[str, Any]) -> dict[str, dict[str, str]]:
    overrides = made["configurationOverrides"]["applicationConfiguration"]
    return {each["classification"]: each["properties"] for each in overrides}


def parameters(made: dict[str, Any]) -> list[str]:
    """Settings that are parameters, as EMR's shell reads them."""
    driver = made["jobDriver"]["sparkSubmitJobDriver"]
    return [word for word in split(driver["sparkSubmitParameters"]) if word != "--conf"]


@pytest.mark.parametrize("reasons", [EMR, SPARK_SUBMIT])
def test_an_unknown_field_is_reported_as_omitted(reasons: dict[str, str]) -> None:
    _, omitted = spark_settings(application(batchScheduler="volcano"), reasons)
    unknown = OmittedField("batchScheduler", "no known counterpart in this target")
    assert unknown in omitted


def test_fields_with_the_same_reason_share_a_line() -> None:
    omitted = [
        OmittedField("a", "why"),
        OmittedField("b", "other"),
        OmittedField("c", "why"),
        OmittedField("a", "why"),
    ]
    assert format_omitted(omitted) == ["omitted: a, c (why)", "omitted: b (other)"]


def test_without_dynamic_allocation_a_target_is_not_left_to_its_own_default() -> None:
    found, _ = spark_settings(application(executor={"instances": 2}), SPARK_SUBMIT)
    assert found["spark.dynamicAllocation.enabled"] == "false"
    assert found["spark.executor.instances"] == "2"


def test_names_of_secrets_are_one_setting() -> None:
    found, _ = spark_settings(application(imagePullSecrets=["a", "b"]), SPARK_SUBMIT)
    assert found["spark.kubernetes.container.image.pullSecrets"] == "a,b"


def test_a_command_is_read_by_the_shell_as_it_was_meant() -> None:
    nasty = ["--output", "s3a://results/it's a $(folder); rm"]
    app = application(arguments=nasty, sparkConf={"spark.x": "-Da='b c' -De=`f`"})
    folder = Path("/a folder")
    argv, _ = spark_submit.command(app, "k8s://https://host", folder)
    text = spark_submit.convert(app, [], "k8s://https://host", folder).text
    shown = "printf '%s\\0' " + text.removeprefix("spark-submit")
    shell = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, check=True)
    assert shell.stdout.split("\0")[:-1] == argv[1:]
    assert argv[-3:] == ["local:///main.py", *nasty]
    assert "spark.x=-Da='b c' -De=`f`" in argv


def test_a_run_is_not_started_where_its_accounts_could_not_be_made() -> None:
    text = spark_submit.convert(application(), [{"kind": "Role"}], "k8s://x", Path("/d")).text
    assert text.startswith("kubectl apply --filename /d/objects.yaml && \\\nspark-submit \\\n")


def test_the_run_id_does_not_need_the_operator_s_label() -> None:
    app = application()
    label = {"fieldRef": {"fieldPath": "metadata.labels['sparkoperator.k8s.io/app-name']"}}
    (container,) = app["spec"]["driver"]["template"]["spec"]["containers"]
    container["env"] = [{"name": "RUN", "valueFrom": label}, {"name": "OTHER", "value": "x"}]
    (made,) = pods.template(app, "driver")["spec"]["containers"]
    assert made["env"] == [{"name": "RUN", "value": "fruits-one"}, {"name": "OTHER", "value": "x"}]
    # The input is not modified.
    assert container["env"][0]["valueFrom"] == label


def test_emr_gets_only_what_it_allows_in_a_pod() -> None:
    app = application()
    pod = app["spec"]["driver"]["template"]["spec"]
    pod |= {"hostNetwork": True, "tolerations": [], "securityContext": {}}
    pod["volumes"] = [{"name": "tmp"}, {"name": "deep"}, {"name": "ours"}]
    (container,) = pod["containers"]
    container |= {"command": ["sh"], "env": []}
    container["volumeMounts"] = [
        {"name": "tmp", "mountPath": "/tmp/"},
        {"name": "deep", "mountPath": "/home/hadoop/deep"},
        {"name": "ours", "mountPath": "/tmpfs"},
    ]
    made, omitted = pods.for_emr(pods.template(app, "driver"))
    assert set(made["spec"]) <= set(EMR_POD_FIELDS)
    (main,) = made["spec"]["containers"]
    assert set(main) <= set(EMR_CONTAINER_FIELDS)
    assert made["spec"]["volumes"] == [{"name": "ours"}]
    assert main["volumeMounts"] == [{"name": "ours", "mountPath": "/tmpfs"}]
    assert [each.name for each in omitted] == [
        "template.spec.hostNetwork",
        "template.spec.securityContext",
        "template.container.command",
        "template.volume.tmp",
        "template.volume.deep",
    ]


def test_the_token_is_that_of_the_run() -> None:
    first, second = request(application()), request(application(), tags={"a": "b"})
    assert first["clientToken"] == second["clientToken"] == emr.client_token(CLUSTER, "fruits-one")
    assert (
        len(
            {
                emr.client_token(CLUSTER, "a"),
                emr.client_token(CLUSTER, "b"),
                emr.client_token("other", "a"),
            }
        )
        == 3
    )


@pytest.mark.parametrize(
    "release", ["emr-7.12.0-latest", "emr-spark-8.0.0-latest", "emr-spark-8.0.0-20260421"]
)
def test_the_request_is_of_botocore_s_model(release: str) -> None:
    made = request(
        application(arguments=["run"]),
        releaseLabel=release,
        logs={"cloudWatch": "/emr/logs", "s3": "s3://bucket/logs"},
        tags={"team": "fruits"},
    )
    assert complaints("StartJobRun", made) == []
    assert made["releaseLabel"] == release
    assert made["tags"] == {"team": "fruits"}
    assert made["configurationOverrides"]["monitoringConfiguration"] == {
        "persistentAppUI": "ENABLED",
        "cloudWatchMonitoringConfiguration": {
            "logGroupName": "/emr/logs",
            "logStreamNamePrefix": "fruits-one",
        },
        "s3MonitoringConfiguration": {"logUri": "s3://bucket/logs"},
    }


def test_a_model_that_is_violated_is_noticed() -> None:
    made = request(application(arguments=["run"]))
    assert complaints("StartJobRun", {**made, "executionRoleArn": "emr"}) != []
    assert complaints("StartJobRun", {**made, "bogus": 1}) != []
    assert complaints("StartJobRun", {**made, "tags": {"a": "b" * 257}}) != []


def test_retries_are_attempts_beyond_the_first() -> None:
    made = request(application(restartPolicy={"onFailureRetries": 2}))
    assert made["retryPolicyConfiguration"] == {"maxAttempts": 3}


def test_jars_of_the_values_come_before_emr_s() -> None:
    made = request(application(sparkConf={"spark.jars": "local:///mine.jar"}))
    jars = classified(made)["spark-defaults"]["spark.jars"].split(",")
    assert jars[0] == "local:///mine.jar"
    assert [jar.rsplit("/", 1)[1] for jar in jars[1:]] == ["delta-spark.jar", "delta-storage.jar"]


def test_settings_beyond_the_limits_of_properties_become_parameters() -> None:
    many = {f"spark.x.{number:03}": "1" for number in range(120)}
    app = application(sparkConf={"spark.a.long": "x" * 1025, "spark.a.empty": "", **many})
    made = request(app)
    assert complaints("StartJobRun", made) == []
    defaults, others = classified(made)["spark-defaults"], parameters(made)
    assert len(defaults) == 100
    assert "spark.a.empty=" in others
    assert f"spark.a.long={'x' * 1025}" in others
    sent = {*defaults, *(each.split("=")[0] for each in others)}
    assert sent > {"spark.a.long", "spark.a.empty", *many}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"sparkConf": {f"spark.x{n}": "x" * 2000 for n in range(60)}},
            "the settings of spark-submit would have 12",
        ),
        ({"arguments": ["run", "x" * 10_281]}, "would have 10281 characters; expected 1 to 10280"),
        ({"arguments": ["--glob", ""]}, "the argument '' would have 0 characters"),
    ],
)
def test_an_exceeded_limit_is_reported(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        request(application(**spec))
    assert said in str(error.value)


def test_the_pod_that_submits_goes_where_the_driver_goes() -> None:
    app = application()
    app["spec"]["driver"]["template"]["spec"] |= {
        "nodeSelector": {"pool": "drivers"},
        "tolerations": [
            {"key": "dedicated", "value": "spark", "effect": "NoSchedule"},
            {"key": "spot", "operator": "Exists"},
        ],
    }
    run = emr.convert(app, [], asked(), CLUSTER)
    assert classified(run.request)["emr-job-submitter"] == {
        "jobsubmitter.node.selector.pool": "drivers",
        "jobsubmitter.node.toleration.dedicated": "spark",
        "jobsubmitter.node.toleration.dedicated.effect": "NoSchedule",
    }
    assert "toleration of spot" in [each.name for each in run.omitted]
    assert yaml.safe_load(run.templates["driver.yaml"])["spec"]["tolerations"][1]["key"] == "spot"


def test_an_event_log_of_ones_own_is_kept_and_emr_s_page_given_up() -> None:
    app = application(sparkConf={"spark.eventLog.dir": "s3a://b/logs"})
    run = emr.convert(app, [], asked(), CLUSTER)
    monitoring = run.request["configurationOverrides"]["monitoringConfiguration"]
    assert monitoring == {"persistentAppUI": "DISABLED"}
    assert "persistentAppUI" in [each.name for each in run.omitted]
