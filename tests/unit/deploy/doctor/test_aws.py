"""The checks of buckets and roles, against moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from job import resources
from job.checks import CannotCheckError
from job.cli.root import cli
from job.deploy.doctor.aws import bucket, role_trust
from job.deploy.doctor.context import ClientContext
from job.deploy.render.helm import Chart
from job.deploy.submit.cluster import Cluster
from job.errors import AccessDeniedError, InputNotFoundError, InvalidValueError
from tests.unit.deploy.submit.kubernetes_api import NAMESPACE, KubernetesApi

EKS = resources.chart() / "ci" / "eks.yaml"
REGION = "eu-central-1"
ISSUER = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"
ACCOUNTS = f"system:serviceaccount:{NAMESPACE}:fruits-"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


@pytest.fixture
def context(api: KubernetesApi, helm: None, aws: None) -> ClientContext:
    """The values for EKS, which name my-images and my-results and the role image-features."""
    return ClientContext(Cluster(), Chart("fruits", NAMESPACE, "one", (EKS,)), cli)


def make_bucket(name: str) -> None:
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def make_role(condition: dict[str, Any], **changes: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    } | changes
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    boto3.client("iam").create_role(RoleName="image-features", AssumeRolePolicyDocument=policy)


def test_existing_buckets(context: ClientContext) -> None:
    make_bucket("my-images")
    make_bucket("my-results")
    assert bucket(context) == "my-images exists, my-results exists"


def test_a_bucket_that_is_missing(context: ClientContext) -> None:
    make_bucket("my-images")
    with pytest.raises(InputNotFoundError, match="my-results does not exist"):
        bucket(context)


@pytest.mark.parametrize(
    ("host", "asked"), [("s3.invalid", "my-images.s3.invalid:9"), ("127.0.0.1", "127.0.0.1:9")]
)
def test_a_bucket_is_asked_where_the_run_would_ask_it(
    api: KubernetesApi, helm: None, monkeypatch: pytest.MonkeyPatch, host: str, asked: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    # It keeps the credentials of who has asked before.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    chart = Chart("fruits", NAMESPACE, "one", (EKS,), (f"s3.endpoint=http://{host}:9",))
    with pytest.raises(CannotCheckError, match=f'my-images: .*"http://{asked}/'):
        bucket(ClientContext(Cluster(), chart, cli))


def test_a_role_that_trusts_both_accounts(context: ClientContext) -> None:
    make_role(
        {
            "StringEquals": {
                f"{ISSUER}:aud": "sts.amazonaws.com",
                f"{ISSUER}:sub": [f"{ACCOUNTS}driver", f"{ACCOUNTS}executor"],
            }
        }
    )
    expected = "image-features trusts fruits-driver, image-features trusts fruits-executor"
    assert role_trust(context) == expected


def test_a_role_that_trusts_by_a_pattern(context: ClientContext) -> None:
    make_role({"StringLike": {f"{ISSUER}:sub": f"{ACCOUNTS}*"}})
    assert role_trust(context)


@pytest.mark.parametrize(
    ("condition", "changes"),
    [
        ({"StringEquals": {f"{ISSUER}:sub": f"{ACCOUNTS}driver"}}, {}),
        ({"StringEquals": {f"{ISSUER}:sub": f"{ACCOUNTS}*"}}, {}),
        ({"StringLike": {f"{ISSUER}:sub": "system:serviceaccount:other:*"}}, {}),
        ({"StringEquals": {f"{ISSUER}:aud": "somebody"}}, {}),
        ({"StringNotLike": {f"{ISSUER}:sub": "x"}}, {}),
        ({}, {"Effect": "Deny"}),
        ({}, {"Action": "sts:AssumeRole"}),
        ({}, {"Principal": {"Service": "ec2.amazonaws.com"}}),
    ],
)
def test_a_role_that_does_not_trust_an_account(
    context: ClientContext, condition: dict[str, Any], changes: dict[str, Any]
) -> None:
    make_role(condition, **changes)
    with pytest.raises(AccessDeniedError, match="does not trust system:serviceaccount:images:"):
        role_trust(context)


def test_a_role_that_does_not_exist(context: ClientContext) -> None:
    with pytest.raises(InvalidValueError, match="GetRole"):
        role_trust(context)


def test_an_account_without_a_role(
    api: KubernetesApi, helm: None, aws: None, tmp_path: Path
) -> None:
    values = yaml.safe_load(EKS.read_text())
    values["serviceAccounts"]["executor"] = {}
    (tmp_path / "values.yaml").write_text(json.dumps(values))
    chart = Chart("fruits", NAMESPACE, "one", (tmp_path / "values.yaml",))
    make_role({"StringLike": {f"{ISSUER}:sub": f"{ACCOUNTS}*"}})
    with pytest.raises(InvalidValueError, match="fruits-executor is annotated with no role"):
        role_trust(ClientContext(Cluster(), chart, cli))


def test_checks_without_credentials_are_skipped(
    api: KubernetesApi, helm: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # It keeps the credentials of who has asked before.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    context = ClientContext(Cluster(), Chart("fruits", NAMESPACE, "one", (EKS,)), cli)
    with pytest.raises(CannotCheckError, match="cannot be read: Unable to locate credentials"):
        role_trust(context)
    with pytest.raises(CannotCheckError, match="my-images: Unable to locate credentials"):
        bucket(context)
