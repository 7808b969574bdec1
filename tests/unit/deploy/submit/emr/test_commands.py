"""The commands for EMR: requests, output and exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.stub import ANY

from job import resources
from job.cli import main
from job.deploy.render.targets.emr import client_token
from tests.unit.deploy.submit.emr.conftest import Answers
from tests.unit.deploy.submit.emr.examples import CLOUDWATCH, CLUSTER, RUN, S3, job_run
from tests.unit.deploy.submit.service_model import complaints

EMR = resources.chart() / "ci" / "emr.yaml"
HERE = ["--virtual-cluster", CLUSTER]
NAMES = ["--release", "fruits", "--run-id", "one"]
SUBMIT = ["submit", "emr", *HERE, "--values", str(EMR), *NAMES]
STREAM = f"fruits-one/{CLUSTER}/jobs/{RUN}/containers/spark-1/spark-{RUN}-driver/stderr"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234"
Output = pytest.CaptureFixture[str]


def started(aws: Answers, *runs: dict[str, Any], **encrypted: str) -> None:
    """A run that is new, started, and then observed; its templates are `encrypted` so."""
    aws.no_run_of_this_name()
    for name in ("driver", "executor"):
        aws.to(
            "s3",
            "put_object",
            {},
            Bucket="my-results",
            Key=f"pod-templates/fruits-one/{name}.yaml",
            Body=ANY,
            **encrypted,
        )
    request = {"clientToken": client_token(CLUSTER, "fruits-one"), "name": "fruits-one"}
    others = ("executionRoleArn", "releaseLabel", "jobDriver", "configurationOverrides")
    others += ("retryPolicyConfiguration", "tags")
    aws.to("emr-containers", "start_job_run", {"id": RUN}, **request, **dict.fromkeys(others, ANY))
    aws.states(*runs)


def last_line(output: Output) -> str:
    return output.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("helm")
def test_templates_are_uploaded_and_then_a_run_is_started_with_its_token(
    aws: Answers, capsys: Output
) -> None:
    started(aws)
    assert main(SUBMIT) == 0
    said = capsys.readouterr()
    assert said.out == f"{RUN}\n"
    assert said.err.splitlines()[-1] == f"{RUN}: submitted"
    assert "omitted: spark.kubernetes.decommission.script (EMR's image has its own" in said.err


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize(
    ("values", "encrypted"),
    [
        (["encryption.atRest=SSE-S3"], {"ServerSideEncryption": "AES256"}),
        (
            ["encryption.atRest=SSE-KMS", f"encryption.kmsKeyArn={KEY}"],
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY},
        ),
    ],
)
def test_templates_are_encrypted_like_other_files(
    aws: Answers, values: list[str], encrypted: dict[str, str]
) -> None:
    started(aws, **encrypted)
    assert main([*SUBMIT, *(word for value in values for word in ("--set", value))]) == 0


@pytest.mark.usefixtures("helm")
def test_an_existing_run_is_left_unchanged(aws: Answers, capsys: Output) -> None:
    runs = [{**job_run("FAILED"), "id": "other"}, job_run("RUNNING")]
    aws.to("emr-containers", "list_job_runs", {"jobRuns": runs}, name="fruits-one")
    assert main(SUBMIT) == 0
    said = capsys.readouterr()
    assert said.out == f"{RUN}\n"
    assert "exists already, nothing is submitted" in said.err


@pytest.mark.usefixtures("helm")
def test_a_run_is_followed_to_its_end_through_transient_errors(
    aws: Answers, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("job.display.LineDisplay.interval", 0.0)
    started(aws, job_run("PENDING"), job_run("SUBMITTED", "waiting for a node"))
    aws.refuse("emr-containers", "describe_job_run", "InternalServerException", "sorry", 500)
    aws.refuse("emr-containers", "describe_job_run", "ThrottlingException", "slower", 429)
    aws.states(job_run("RUNNING"), job_run("RUNNING"), job_run("COMPLETED", "it ran in 74 s"))
    assert main([*SUBMIT, "--wait"]) == 0
    lines = [line.split(" ", 1)[-1] for line in capsys.readouterr().err.splitlines()]
    states = [line for line in lines if line.startswith(f"{RUN}: ") and line.isascii()]
    # The first is not of the display: it has no time of day.
    assert states[-4:] == [
        f"{RUN}: {each}" for each in ("PENDING", "SUBMITTED", "RUNNING", "COMPLETED after 74 s")
    ]
    assert any("SUBMITTED (waiting for a node)" in line for line in lines)
    assert "AWS answers DescribeJobRun: slower" in lines


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize(
    ("state", "failure", "code", "said"),
    [
        ("FAILED", "USER_ERROR", 1, "has failed: USER_ERROR: see the logs"),
        ("FAILED", "VALIDATION_ERROR", 2, "has failed: VALIDATION_ERROR: see the logs"),
        ("FAILED", "CLUSTER_UNAVAILABLE", 12, "has failed: CLUSTER_UNAVAILABLE: see the logs"),
        ("FAILED", "INTERNAL_ERROR", 8, "has failed: INTERNAL_ERROR: see the logs"),
        ("FAILED", "", 1, "has failed: see the logs"),
        ("CANCELLED", "", 1, "was cancelled: see the logs"),
    ],
)
def test_a_run_without_success_ends_with_a_code_of_its_reason(
    aws: Answers, capsys: Output, state: str, failure: str, code: int, said: str
) -> None:
    end = job_run(state, "see the logs", failure)
    # The last answer is for its logs, which are not kept.
    started(aws, job_run("RUNNING"), end, end)
    assert main([*SUBMIT, "--wait"]) == code
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == f"image-features: {RUN} {said}"
    assert lines[-2].endswith(f"no log of spark-{RUN}-driver: the logs of {RUN} are not kept")


@pytest.mark.usefixtures("helm")
def test_a_failed_run_shows_the_end_of_its_driver_s_log(aws: Answers, capsys: Output) -> None:
    end = job_run("FAILED", failure="USER_ERROR", **CLOUDWATCH)
    started(aws, end, end)
    aws.to("logs", "describe_log_streams", {"logStreams": [{"logStreamName": STREAM}]})
    events = [{"message": f"line {number}"} for number in range(30)]
    aws.to("logs", "filter_log_events", {"events": events})
    assert main([*SUBMIT, "--wait"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-21:-1] == [f"  line {number}" for number in range(10, 30)]


@pytest.mark.usefixtures("helm")
def test_a_timeout_ends_with_124_and_the_commands_to_continue(aws: Answers, capsys: Output) -> None:
    started(aws, *[job_run("RUNNING")] * 1)
    assert main([*SUBMIT, "--wait", "--timeout", "0.005"]) == 124
    error = capsys.readouterr().err
    assert f"image-features submit logs {RUN} --follow --virtual-cluster {CLUSTER}" in error
    assert f"image-features submit cancel {RUN} --virtual-cluster {CLUSTER}" in error
    assert "it continues" in error.splitlines()[-1]


@pytest.mark.usefixtures("helm", "aws")
@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("executionRoleArn", "emr.executionRoleArn is empty; expected the ARN of"),
        ("podTemplates", "emr.podTemplates is empty; expected a folder that"),
    ],
)
def test_missing_values_for_emr_are_rejected_before_any_request(
    capsys: Output, key: str, said: str
) -> None:
    assert main([*SUBMIT, "--set", f"emr.{key}="]) == 2
    assert last_line(capsys).startswith(f"image-features: {said}")


@pytest.mark.usefixtures("helm")
def test_a_missing_permission_is_reported(aws: Answers, capsys: Output) -> None:
    message = "User: ann is not authorized to perform: emr-containers:ListJobRuns"
    aws.refuse("emr-containers", "list_job_runs", "AccessDeniedException", message, 403)
    assert main(SUBMIT) == 4
    assert f"AWS refuses ListJobRuns: {message}; fix: `aws sts" in last_line(capsys)


@pytest.mark.usefixtures("helm")
def test_a_missing_bucket_is_reported_before_a_run_is_started(aws: Answers, capsys: Output) -> None:
    aws.no_run_of_this_name()
    aws.refuse("s3", "put_object", "NoSuchBucket", "The specified bucket does not exist", 404)
    assert main(SUBMIT) == 2
    assert "PutObject: The specified bucket does not exist" in last_line(capsys)


def test_status_shows_state_and_reason(aws: Answers, capsys: Output) -> None:
    aws.states({**job_run("FAILED", "no such image", "USER_ERROR"), "tags": {}})
    assert main(["submit", "status", RUN, *HERE]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"name {RUN} run fruits-one state FAILED started 2026-01-02T03:04:05Z" in said
    assert "duration 0:01:14" in said
    assert "reason USER_ERROR: no such image" in said


@pytest.mark.parametrize("command", ["status", "logs", "cancel"])
def test_a_missing_run_is_reported(aws: Answers, capsys: Output, command: str) -> None:
    aws.refuse("emr-containers", "describe_job_run", "ResourceNotFoundException", "gone", 404)
    assert main(["submit", command, "other", *HERE]) == 2
    assert last_line(capsys) == (
        f"image-features: there is no run 'other' in virtual cluster {CLUSTER}; fix: "
        f"`image-features submit list --virtual-cluster {CLUSTER}` shows what there is"
    )


def test_all_pages_of_runs_are_listed_by_time(aws: Answers, capsys: Output) -> None:
    older = {**job_run("COMPLETED"), "id": "older", "name": "fruits-zero"}
    older["createdAt"] = older["createdAt"].replace(year=2025)
    aws.to("emr-containers", "list_job_runs", {"jobRuns": [job_run("RUNNING")], "nextToken": "2"})
    aws.to("emr-containers", "list_job_runs", {"jobRuns": [older]}, nextToken="2")
    assert main(["submit", "list", *HERE]) == 0
    rows = [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["name", "run", "state"],
        ["older", "fruits-zero", "COMPLETED"],
        [RUN, "fruits-one", "RUNNING"],
    ]


def test_an_empty_list_says_so(aws: Answers, capsys: Output) -> None:
    aws.to("emr-containers", "list_job_runs", {"jobRuns": []})
    assert main(["submit", "list", *HERE]) == 0
    assert capsys.readouterr().out == f"there are no runs in virtual cluster {CLUSTER}\n"


def test_a_run_is_cancelled_once(aws: Answers, capsys: Output) -> None:
    aws.states(job_run("RUNNING"))
    aws.to("emr-containers", "cancel_job_run", {"id": RUN}, id=RUN)
    assert main(["submit", "cancel", RUN, *HERE]) == 0
    assert "is being cancelled" in capsys.readouterr().out
    aws.states(job_run("CANCELLED"))
    assert main(["submit", "cancel", RUN, *HERE]) == 0
    assert "has ended as CANCELLED: nothing is cancelled" in capsys.readouterr().out


def test_a_run_is_in_one_place(capsys: Output) -> None:
    assert main(["submit", "list", *HERE, "--namespace", "images"]) == 2
    assert "fix: leave out one of them" in last_line(capsys)


def test_logs_can_be_limited(aws: Answers, capsys: Output) -> None:
    aws.states(job_run("RUNNING", **CLOUDWATCH), job_run("RUNNING", **CLOUDWATCH))
    aws.to("logs", "describe_log_streams", {"logStreams": [{"logStreamName": STREAM}]})
    aws.to("logs", "filter_log_events", {"events": [{"message": "a"}, {"message": "b"}]})
    assert main(["submit", "logs", RUN, "--tail", "1", *HERE]) == 0
    assert capsys.readouterr().out == "b\n"


def test_logs_on_s3_cannot_be_followed(aws: Answers, capsys: Output) -> None:
    aws.states(job_run("RUNNING", **S3), job_run("RUNNING", **S3))
    assert main(["submit", "logs", RUN, "--follow", *HERE]) == 2
    assert "fix: leave out --follow, or set emr.logs.cloudWatch" in last_line(capsys)


@pytest.mark.usefixtures("helm")
def test_the_rendered_request_is_the_sent_one(capsys: Output, tmp_path: Any) -> None:
    folder = ["--output-dir", str(tmp_path / "files"), "-o", str(tmp_path / "request.json")]
    assert main(["render", "--target", "emr", *SUBMIT[2:], *folder]) == 0
    request = json.loads((tmp_path / "request.json").read_text())
    assert complaints("StartJobRun", request) == []
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == [
        "driver.yaml",
        "executor.yaml",
    ]
    assert capsys.readouterr().out == ""
