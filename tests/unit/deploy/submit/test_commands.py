"""The commands against a Kubernetes API: requests, output and exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from job import resources
from job.cli.root import cli, main
from job.deploy.render.region_guard import eks_region
from job.deploy.submit import watch
from tests.unit.deploy.submit.examples import APPLICATIONS, DRIVER, FEATURIZE, NAME, PODS, driver
from tests.unit.deploy.submit.examples import application as example
from tests.unit.deploy.submit.kubernetes_api import (
    NAMESPACE,
    PAGE_NOT_FOUND,
    KubernetesApi,
    serving,
    status,
)

KIND = resources.chart() / "ci" / "kind.yaml"
SUBMIT = ["submit", "kubernetes", "--values", str(KIND), "--release", "fruits", "--run-id", "one"]
ACCOUNTS = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
RUN = f"{APPLICATIONS}/{NAME}"
Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not wait."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(watch, "MAX_RETRY_SECONDS", 0.01)


def last_line(output: Output) -> str:
    return output.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("helm")
def test_all_objects_pass_a_dry_run_before_any_is_changed(
    api: KubernetesApi, capsys: Output
) -> None:
    assert main(SUBMIT) == 0
    changed = [request.changes for request in api.requests if request.method != "GET"]
    assert changed == sorted(changed)
    assert changed.count(True) == changed.count(False) == 8
    assert api.kinds_changed()[0] == "ServiceAccount"
    assert api.kinds_changed()[-1] == "SparkApplication"
    assert capsys.readouterr().out == "fruits-one\n"


@pytest.mark.usefixtures("helm")
def test_objects_are_ours_by_server_side_apply_and_the_run_is_created(api: KubernetesApi) -> None:
    assert main(SUBMIT) == 0
    asked = [request for request in api.requests if request.method != "GET"]
    assert {request.query["fieldManager"] for request in asked} == {"image-features"}
    # A field that the cluster's operator is too old for is refused, not dropped.
    assert {request.query["fieldValidation"] for request in asked} == {"Strict"}
    created = {request.body["kind"] for request in asked if request.method == "POST"}
    assert created == {"SparkApplication"}


@pytest.mark.usefixtures("helm")
def test_an_existing_run_is_left_unchanged(api: KubernetesApi, capsys: Output) -> None:
    api.objects[RUN] = example("COMPLETED")
    assert main([*SUBMIT, "--set", "driver.memory=3g"]) == 0
    assert api.kinds_changed() == []
    assert "exists already, nothing is submitted" in capsys.readouterr().err


@pytest.mark.usefixtures("helm")
def test_a_run_created_at_the_same_time_is_left_unchanged(
    api: KubernetesApi, capsys: Output
) -> None:
    api.answers[APPLICATIONS] = [status(409, "already exists", name=NAME)]
    assert main(SUBMIT) == 0
    assert "exists already" in capsys.readouterr().err


@pytest.mark.usefixtures("helm")
def test_a_pod_monitor_goes_where_the_cluster_has_them(api: KubernetesApi) -> None:
    monitors = {"kind": "APIResourceList", "resources": [{"kind": "PodMonitor"}]}
    api.answers["/apis/monitoring.coreos.com/v1"] = [(200, monitors)]
    assert main(SUBMIT) == 0
    assert "PodMonitor" in api.kinds_changed()


@pytest.mark.usefixtures("helm")
def test_a_schedule_is_applied_and_cannot_be_waited_for(api: KubernetesApi, capsys: Output) -> None:
    scheduled = [*SUBMIT[:3], str(KIND.with_name("scheduled.yaml")), *SUBMIT[4:]]
    assert main([*scheduled, "--wait"]) == 2
    assert "--set schedule=" in last_line(capsys)
    assert api.requests == []
    assert main(scheduled) == 0
    assert api.kinds_changed()[-1] == "ScheduledSparkApplication"
    assert capsys.readouterr().out == "fruits\n"


@pytest.mark.usefixtures("helm")
def test_wrong_values_are_reported_before_any_request(api: KubernetesApi, capsys: Output) -> None:
    assert main([*SUBMIT, "--set", "bogus=1"]) == 2
    assert last_line(capsys).startswith("image-features: the chart rejects these values: ")
    assert api.requests == []


def test_a_timeout_needs_a_wait(capsys: Output) -> None:
    assert main([*SUBMIT, "--timeout", "3"]) == 2
    assert "add --wait" in last_line(capsys)


@pytest.mark.usefixtures("helm")
def test_a_missing_permission_is_named(api: KubernetesApi, capsys: Output) -> None:
    message = (
        'serviceaccounts "fruits-driver" is forbidden: User "ann" cannot patch resource '
        '"serviceaccounts" in API group "" in the namespace "images"'
    )
    api.answers[f"{ACCOUNTS}/fruits-driver"] = [status(403, message, name="fruits-driver")]
    assert main(SUBMIT) == 4
    assert f"not allowed: {message}; fix: " in last_line(capsys)
    assert api.kinds_changed() == []


@pytest.mark.usefixtures("helm")
def test_a_setting_that_the_operator_refuses_is_a_wrong_value(
    api: KubernetesApi, capsys: Output
) -> None:
    denied = 'admission webhook "validate" denied the request: spark.x is not allowed'
    api.answers[APPLICATIONS] = [status(403, denied)]
    assert main(SUBMIT) == 2
    assert denied in last_line(capsys)
    assert api.kinds_changed() == []


@pytest.mark.usefixtures("helm")
def test_a_missing_operator_is_reported_with_the_fix(api: KubernetesApi, capsys: Output) -> None:
    api.answers[RUN] = [PAGE_NOT_FOUND]
    assert main(SUBMIT) == 12
    said = last_line(capsys)
    assert "the cluster has no kind SparkApplication; fix: install the kubeflow" in said
    assert api.kinds_changed() == []


@pytest.mark.usefixtures("helm")
def test_a_missing_namespace_is_reported_with_the_fix(api: KubernetesApi, capsys: Output) -> None:
    missing = status(404, 'namespaces "images" not found', name="images", kind="namespaces")
    api.answers[f"{ACCOUNTS}/fruits-driver"] = [missing]
    assert main(SUBMIT) == 12
    assert "fix: kubectl create namespace images" in last_line(capsys)


@pytest.mark.usefixtures("helm")
def test_fields_of_another_manager_are_not_changed(api: KubernetesApi, capsys: Output) -> None:
    conflict = status(409, 'Apply failed with 1 conflict: conflict with "helm"')
    api.answers[f"{ACCOUNTS}/fruits-driver"] = [conflict]
    assert main(SUBMIT) == 2
    assert 'conflict with "helm"' in last_line(capsys)
    assert api.kinds_changed() == []


@pytest.mark.usefixtures("helm")
def test_a_role_that_is_not_there_yet_does_not_hinder_its_binding(api: KubernetesApi) -> None:
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/rolebindings/fruits-driver"
    api.answers[roles] = [status(404, "roles not found", name="fruits-driver"), (201, {})]
    assert main(SUBMIT) == 0


def test_no_cluster_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    with serving(KubernetesApi()) as gone:
        monkeypatch.setenv("KUBECONFIG", str(gone.kubeconfig(tmp_path)))
    assert main(["submit", "list"]) == 8
    error = capsys.readouterr().err
    assert error.startswith(
        f"image-features: no answer from the cluster at http://127.0.0.1:{gone.port}"
    )
    assert "Connection refused" in error
    assert len(error.splitlines()) == 1


def test_no_kubeconfig_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    assert main(["submit", "list"]) == 2
    assert "no cluster is configured" in last_line(capsys)


@pytest.mark.usefixtures("api")
def test_a_missing_context_is_reported(capsys: Output) -> None:
    assert main(["submit", "list", "--context", "other"]) == 2
    assert "other" in last_line(capsys)


def test_expired_credentials_are_reported(api: KubernetesApi, capsys: Output) -> None:
    api.answers[APPLICATIONS] = [status(401, "Unauthorized")]
    assert main(["submit", "list"]) == 4
    assert "log in again" in last_line(capsys)


@pytest.mark.usefixtures("helm")
def test_a_run_is_followed_to_its_end_through_transient_errors(
    api: KubernetesApi, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("job.display.LineDisplay.interval", 0.0)
    api.objects[DRIVER] = driver(progress=FEATURIZE)
    api.answers[RUN] = [
        status(404, "not found", name=NAME),
        (200, example()),
        (200, example("SUBMITTED")),
        status(503, "etcdserver: leader changed"),
        status(429, "too many requests"),
        (200, example("RUNNING")),
        (200, example("RUNNING")),
        (200, example("COMPLETED")),
    ]
    assert main([*SUBMIT, "--wait"]) == 0
    error = capsys.readouterr().err
    assert "the cluster answers 503: etcdserver: leader changed" in error
    assert "featurize: 120 / 240 images" in error
    assert error.splitlines()[-1].endswith(f"{NAME}: COMPLETED after 74 s")


@pytest.mark.usefixtures("helm")
def test_a_run_that_fails_ends_with_its_code_after_its_last_lines(
    api: KubernetesApi, capsys: Output
) -> None:
    api.objects[RUN] = example("FAILED", "driver container failed with ExitCode: 3, Reason: Error")
    api.objects[DRIVER] = driver(exit_code=3, message="--input is empty")
    api.answers[f"{DRIVER}/log"] = [(200, "looking\nlooking further\n")]
    assert main([*SUBMIT, "--wait"]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert lines[-3:] == [
        "  looking",
        "  looking further",
        f"image-features: {NAME} has failed: --input is empty",
    ]
    (asked,) = [request for request in api.requests if request.path.endswith("/log")]
    assert asked.query["tailLines"] == "20"


@pytest.mark.usefixtures("helm")
def test_a_failed_run_whose_pod_is_gone_has_its_code_all_the_same(api: KubernetesApi) -> None:
    api.objects[RUN] = example("FAILED", "driver container failed with ExitCode: 6, Reason: Error")
    assert main([*SUBMIT, "--wait"]) == 6


@pytest.mark.usefixtures("helm")
def test_a_timeout_ends_with_124_and_the_commands_to_continue(
    api: KubernetesApi, capsys: Output
) -> None:
    api.objects[RUN] = example("RUNNING")
    assert main([*SUBMIT, "--wait", "--timeout", "0.05"]) == 124
    error = capsys.readouterr().err
    assert f"image-features submit logs {NAME} --follow --namespace {NAMESPACE}" in error
    assert f"image-features submit delete {NAME} --namespace {NAMESPACE}" in error
    assert "it continues" in error.splitlines()[-1]


@pytest.mark.usefixtures("helm")
def test_ctrl_c_leaves_the_run_and_prints_the_commands_to_continue(api: KubernetesApi) -> None:
    api.objects[RUN] = example("RUNNING")
    command = [sys.executable, "-m", "job", *SUBMIT, "--wait", "--context", "test"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as following:
        assert following.stderr is not None
        assert any(line.endswith("RUNNING\n") for line in following.stderr)
        following.send_signal(signal.SIGINT)
        error = following.stderr.read()
    assert following.returncode == 130
    assert f"submit logs {NAME} --follow --namespace {NAMESPACE} --context test" in error
    assert error.splitlines()[-1].endswith(f"the run {NAME} continues")
    assert {request.method for request in api.requests} == {"GET"}


def test_status_shows_state_and_progress(api: KubernetesApi, capsys: Output) -> None:
    api.objects[RUN] = example("RUNNING")
    api.objects[DRIVER] = driver(progress=FEATURIZE)
    assert main(["submit", "status", NAME]) == 0
    said = capsys.readouterr().out
    assert "RUNNING" in said
    assert "featurize 120 / 240 images" in said


@pytest.mark.parametrize("command", ["status", "logs"])
def test_a_missing_run_is_reported(api: KubernetesApi, command: str, capsys: Output) -> None:
    assert api.objects == {}
    assert main(["submit", command, "other"]) == 2
    assert "there is no run 'other' in images; fix: `image-features submit" in last_line(capsys)


def test_a_name_stays_within_its_path(api: KubernetesApi) -> None:
    assert main(["submit", "status", "../../pods/x"]) == 2
    assert [request.path for request in api.requests] == [f"{APPLICATIONS}/..%2F..%2Fpods%2Fx"]


def test_logs_are_the_driver_s(api: KubernetesApi, capsys: Output) -> None:
    api.objects[RUN] = example("RUNNING")
    api.objects[DRIVER] = driver()
    api.answers[f"{DRIVER}/log"] = [(200, "first\nsecond ü\n")]
    assert main(["submit", "logs", NAME, "--follow", "--tail", "2"]) == 0
    assert capsys.readouterr().out == "first\nsecond ü\n"
    assert api.requests[-1].query == {"follow": "true", "tailLines": "2"}


def test_logs_of_an_executor(api: KubernetesApi, capsys: Output) -> None:
    pod = f"{NAME}-exec-2"
    labels = {"spark-exec-id": "2"}
    api.objects[RUN] = example("RUNNING")
    api.objects[f"{PODS}/{pod}"] = {
        "metadata": {"name": pod, "labels": labels},
        "status": {"phase": "Running"},
    }
    api.answers[f"{PODS}/{pod}/log"] = [(200, "at work\n")]
    assert main(["submit", "logs", NAME, "--executor", "2"]) == 0
    assert capsys.readouterr().out == "at work\n"
    assert main(["submit", "logs", NAME, "--executor", "3"]) == 2
    assert "--executor is 3, which has no pod; expected one of 2" in last_line(capsys)


def test_a_driver_that_has_not_started_has_no_log(api: KubernetesApi, capsys: Output) -> None:
    api.objects[RUN] = example("SUBMITTED")
    api.objects[DRIVER] = {"metadata": {"name": "x"}, "status": {"phase": "Pending"}}
    assert main(["submit", "logs", NAME]) == 2
    assert "has not started" in last_line(capsys)


def test_a_run_is_deleted_once(api: KubernetesApi, capsys: Output) -> None:
    api.objects[RUN] = example("RUNNING")
    assert main(["submit", "delete", NAME]) == 0
    assert f"deleted {NAME}" in capsys.readouterr().out
    assert main(["submit", "delete", NAME]) == 0
    assert "nothing is deleted" in capsys.readouterr().out


def test_runs_are_listed_with_their_progress(api: KubernetesApi, capsys: Output) -> None:
    assert main(["submit", "list"]) == 0
    assert capsys.readouterr().out == "there are no runs in images\n"
    api.objects[RUN] = example("RUNNING")
    api.objects[DRIVER] = driver(progress=FEATURIZE)
    assert main(["submit", "list", "--namespace", NAMESPACE]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"{NAME} RUNNING 2026-01-02T03:04:05Z" in said
    selectors = [request.query.get("labelSelector", "") for request in api.requests]
    assert selectors[-2:] == [
        "app.kubernetes.io/name=image-features",
        "app.kubernetes.io/name=image-features,spark-role=driver",
    ]


def test_help_imports_neither_kubernetes_nor_spark_nor_boto3() -> None:
    code = (
        "import sys; from job.cli import main; main(['submit', '--help']); "
        "print([each for each in ('boto3', 'kubernetes', 'pyspark') if each in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout.splitlines()[-1]) == []


ALLOWED = [*SUBMIT, "--set", "s3.region=eu-west-1", "--set", "allowedRegions={eu-*}"]


def nodes(**regions: str) -> tuple[int, dict[str, object]]:
    label = "topology.kubernetes.io/region"
    items = [
        {"metadata": {"name": name, "labels": {label: region} if region else {}}}
        for name, region in regions.items()
    ]
    return 200, {"kind": "NodeList", "items": items}


@pytest.mark.usefixtures("helm")
def test_a_cluster_in_an_allowed_region_gets_the_run(api: KubernetesApi) -> None:
    api.answers["/api/v1/nodes"] = [nodes(first="eu-central-1", second="eu-west-1")]
    assert main(ALLOWED) == 0
    assert "SparkApplication" in api.kinds_changed()


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"first": "eu-central-1", "second": "us-east-1"}, "the node second is in us-east-1"),
        ({"first": ""}, "the node first is in an unknown region"),
    ],
)
def test_a_cluster_in_another_region_gets_nothing(
    api: KubernetesApi, capsys: Output, found: dict[str, str], said: str
) -> None:
    api.answers["/api/v1/nodes"] = [nodes(**found)]
    assert main(ALLOWED) == 2
    assert said in last_line(capsys)
    assert api.kinds_changed() == []


@pytest.mark.usefixtures("helm")
def test_buckets_in_another_region_get_nothing(api: KubernetesApi, capsys: Output) -> None:
    api.answers["/api/v1/nodes"] = [nodes(first="eu-central-1")]
    assert main([*ALLOWED, "--set", "s3.region=us-east-1"]) == 2
    assert "the bucket images is in us-east-1" in last_line(capsys)
    assert api.kinds_changed() == []


@pytest.mark.usefixtures("helm")
def test_a_schedule_in_another_region_gets_nothing(api: KubernetesApi, capsys: Output) -> None:
    api.answers["/api/v1/nodes"] = [nodes(first="us-east-1")]
    assert main([*ALLOWED, "--set", "schedule=@daily"]) == 2
    assert "the node first is in us-east-1" in last_line(capsys)


@pytest.mark.usefixtures("helm")
def test_without_allowed_regions_no_nodes_are_listed(api: KubernetesApi) -> None:
    assert main(SUBMIT) == 0
    assert "/api/v1/nodes" not in [request.path for request in api.requests]


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("0B0B.gr7.eu-central-1.eks.amazonaws.com", "eu-central-1"),
        ("0B0B.yl4.cn-north-1.eks.amazonaws.com.cn", "cn-north-1"),
        ("eks.example.org", ""),
    ],
)
def test_an_address_of_eks_names_its_region(host: str, region: str) -> None:
    assert eks_region(host) == region


def test_each_command_of_the_chart_is_one_of_the_program() -> None:
    schema = json.loads((resources.chart() / "values.schema.json").read_text(encoding="utf-8"))
    commands = cli.commands.items()
    takes_spark = {
        name
        for name, command in commands
        if {"output_path", "master"} <= {option.name for option in command.params}
    }
    # `similar` is interactive: it is not run on a cluster.
    assert set(schema["properties"]["command"]["enum"]) == takes_spark - {"similar"}
