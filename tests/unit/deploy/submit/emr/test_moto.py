"""The whole flow against moto, whose runs never end and which ignores client tokens.

moto rejects release labels of the form emr-spark-8.0.0-latest; otherwise the request is the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
import yaml

from job import resources
from job.cli import main

mock_aws = pytest.importorskip("moto", reason="`make setup` installs moto").mock_aws
Output = pytest.CaptureFixture[str]


@pytest.fixture
def virtual_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The id of a virtual cluster; the bucket of ci/emr.yaml exists too."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        location = {"LocationConstraint": "eu-central-1"}
        boto3.client("s3").create_bucket(Bucket="my-results", CreateBucketConfiguration=location)
        provider = {"id": "eks", "type": "EKS", "info": {"eksInfo": {"namespace": "images"}}}
        made = boto3.client("emr-containers").create_virtual_cluster(
            name="images", containerProvider=provider
        )
        yield made["id"]


@pytest.mark.usefixtures("helm")
def test_a_run_is_submitted_once_seen_and_cancelled(virtual_cluster: str, capsys: Output) -> None:
    here = ["--virtual-cluster", virtual_cluster]
    values = ["--values", str(resources.chart() / "ci" / "emr.yaml")]
    values += ["--set", "emr.releaseLabel=emr-7.10.0-latest"]
    submit = ["submit", "emr", *here, *values, "--release", "fruits", "--run-id", "one"]

    assert main(submit) == 0
    run = capsys.readouterr().out.strip()
    assert main(submit) == 0
    again = capsys.readouterr()
    assert (again.out.strip(), "exists already" in again.err) == (run, True)

    key = "pod-templates/fruits-one/executor.yaml"
    template = boto3.client("s3").get_object(Bucket="my-results", Key=key)["Body"].read()
    assert yaml.safe_load(template)["kind"] == "Pod"

    assert main([*submit, "--wait", "--timeout", "0.01"]) == 124
    assert main(["submit", "status", run, *here]) == 0
    assert "RUNNING" in capsys.readouterr().out
    assert main(["submit", "cancel", run, *here]) == 0
    assert main([*submit, "--wait"]) == 1
    assert f"{run} was cancelled" in capsys.readouterr().err.splitlines()[-1]
    assert main(["submit", "list", *here]) == 0
    assert f"{run} fruits-one CANCELLED" in " ".join(capsys.readouterr().out.split())


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize(
    ("sets", "code", "said"),
    [
        (["allowedRegions={us-*}"], 2, "EMR is in eu-central-1; expected one of the allowed"),
        (
            ["allowedRegions={eu-*}", "emr.podTemplates=s3://elsewhere/templates"],
            2,
            "the bucket elsewhere is in us-east-1",
        ),
        (["allowedRegions={eu-*}", "emr.logs.s3=s3://elsewhere/x"], 2, "the bucket elsewhere"),
        (["allowedRegions={eu-*}"], 0, "submitted"),
    ],
)
def test_a_region_that_is_not_allowed_gets_nothing(
    virtual_cluster: str, capsys: Output, sets: list[str], code: int, said: str
) -> None:
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="elsewhere")
    here = ["--virtual-cluster", virtual_cluster, "--run-id", "one"]
    values = ["--values", str(resources.chart() / "ci" / "emr.yaml")]
    for each in ("emr.releaseLabel=emr-7.10.0-latest", *sets):
        values += ["--set", each]
    assert main(["submit", "emr", *here, *values]) == code
    assert said in capsys.readouterr().err
    runs = boto3.client("emr-containers").list_job_runs(virtualClusterId=virtual_cluster)
    assert len(runs["jobRuns"]) == (code == 0)
