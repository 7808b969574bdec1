"""fs.s3a settings for the concurrent reader, and those that it must refuse."""

from __future__ import annotations

import pickle

import pytest

from job.errors import UnmappableSettingError
from job.images.s3a_config import StoreSettings, store_settings

_SDK = "software.amazon.awssdk.auth.credentials."
_CONTAINER = _SDK + "ContainerCredentialsProvider"
_S3A = "org.apache.hadoop.fs.s3a."


@pytest.mark.parametrize(
    ("conf", "endpoint", "region"),
    [
        ({}, None, None),
        ({"endpoint": "s3.amazonaws.com"}, None, None),
        ({"endpoint.region": "eu-west-1"}, None, "eu-west-1"),
        ({"endpoint.region": "sdk"}, None, "eu-north-1"),
        ({"endpoint": "http://localhost:9000/"}, "http://localhost:9000", "us-east-1"),
        ({"endpoint": "minio:9000"}, "https://minio:9000", "us-east-1"),
        (
            {"endpoint": "minio:9000", "connection.ssl.enabled": "false"},
            "http://minio:9000",
            "us-east-1",
        ),
        (
            {"endpoint": "s3.eu-west-1.amazonaws.com"},
            "https://s3.eu-west-1.amazonaws.com",
            "eu-west-1",
        ),
        (
            {"endpoint": "s3.cn-north-1.amazonaws.com.cn"},
            "https://s3.cn-north-1.amazonaws.com.cn",
            "cn-north-1",
        ),
    ],
)
def test_endpoint_and_region_equal_those_of_s3a(
    conf: dict[str, str], endpoint: str | None, region: str | None
) -> None:
    settings = store_settings(_s3a(conf), {"AWS_REGION": "eu-north-1"})
    assert (settings.endpoint, settings.region) == (endpoint, region)


def test_path_style_equals_that_of_s3a() -> None:
    assert store_settings(_s3a({"path.style.access": "true"}), {}).path_style
    assert not store_settings({}, {}).path_style


@pytest.mark.parametrize(
    ("provider", "kinds"),
    [
        (_SDK + "EnvironmentVariableCredentialsProvider", ("env",)),
        (_SDK + "WebIdentityTokenFileCredentialsProvider", ("assume-role-with-web-identity",)),
        (_SDK + "ContainerCredentialsProvider", ("container-role",)),
        (_SDK + "InstanceProfileCredentialsProvider", ("iam-role",)),
        (_S3A + "auth.IAMInstanceCredentialsProvider", ("container-role", "iam-role")),
        (_S3A + "AnonymousAWSCredentialsProvider", ("anonymous",)),
        ("com.amazonaws.auth.EnvironmentVariableCredentialsProvider", ("env",)),
        (
            f"\n {_CONTAINER},\n {_SDK}EnvironmentVariableCredentialsProvider ",
            ("container-role", "env"),
        ),
        (
            f"{_S3A}SimpleAWSCredentialsProvider,{_SDK}ContainerCredentialsProvider",
            ("container-role",),
        ),
        ("", ("env", "container-role", "iam-role")),
    ],
)
def test_credentials_come_from_the_providers_of_s3a(provider: str, kinds: tuple[str, ...]) -> None:
    assert store_settings(_s3a({"aws.credentials.provider": provider}), {}).credentials == kinds


def test_the_default_chain_of_the_sdk_keeps_its_order() -> None:
    conf = _s3a({"aws.credentials.provider": _SDK + "DefaultCredentialsProvider"})
    kinds = store_settings(conf, {}).credentials
    assert kinds[:2] == ("env", "assume-role-with-web-identity")
    assert kinds[-2:] == ("container-role", "iam-role")


def test_keys_that_spark_copied_from_the_environment_are_read_only_from_there() -> None:
    conf = _s3a({"access.key": "AK", "secret.key": "SK"})
    environ = {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"}
    assert store_settings(conf, environ).credentials == ("env",)


def test_a_session_token_that_spark_copied_is_read_from_the_environment() -> None:
    conf = _s3a({"access.key": "AK", "secret.key": "SK", "session.token": "ST"})
    environ = {
        "AWS_ACCESS_KEY_ID": "AK",
        "AWS_SECRET_ACCESS_KEY": "SK",
        "AWS_SESSION_TOKEN": "ST",
    }
    assert store_settings(conf, environ).credentials == ("env",)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "another"},
        {
            "AWS_ACCESS_KEY_ID": "AK",
            "AWS_SECRET_ACCESS_KEY": "SK-secret",
            "AWS_SESSION_TOKEN": "not in the settings",
        },
    ],
)
def test_keys_that_are_only_in_settings_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(UnmappableSettingError, match=r"fs\.s3a\.") as raised:
        store_settings(_s3a({"access.key": "AK", "secret.key": "SK-secret"}), environ)
    assert "SK-secret" not in str(raised.value)


@pytest.mark.parametrize(
    "conf",
    [
        {"fs.s3a.bucket.mine.endpoint": "http://elsewhere"},
        {"fs.s3a.assumed.role.arn": "arn:aws:iam::123456789012:role/x"},
        {"fs.s3a.aws.credentials.provider": _S3A + "auth.AssumedRoleCredentialProvider"},
        {"fs.s3a.aws.credentials.provider": "com.example.Mine"},
        {"hadoop.security.credential.provider.path": "jceks://file/x.jceks"},
        {"fs.s3a.security.credential.provider.path": "jceks://file/x.jceks"},
        {"fs.s3a.encryption.algorithm": "SSE-C"},
        {"fs.s3a.encryption.algorithm": "CSE-KMS"},
        {"fs.s3a.proxy.host": "proxy"},
        {"fs.s3a.custom.signers": "x"},
        {"fs.s3a.signing-algorithm": "x"},
        {"fs.s3a.endpoint.fips": "true"},
    ],
)
def test_a_setting_without_counterpart_is_refused_by_name(conf: dict[str, str]) -> None:
    with pytest.raises(UnmappableSettingError) as raised:
        store_settings(conf, {})
    assert next(iter(conf)) in str(raised.value)


@pytest.mark.parametrize(
    "conf",
    [
        {"encryption.algorithm": "SSE-KMS"},
        {"requester.pays.enabled": "false"},
        {"accesspoint.required": "false"},
        {"proxy.host": ""},
        {"connection.maximum": "200"},
    ],
)
def test_settings_that_do_not_affect_a_reader_are_ignored(conf: dict[str, str]) -> None:
    assert store_settings(_s3a(conf), {}) == StoreSettings()


def test_the_settings_for_workers_hold_no_secret() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AK-secret", "AWS_SECRET_ACCESS_KEY": "SK-secret"}
    conf = _s3a({"access.key": "AK-secret", "secret.key": "SK-secret"})
    assert b"-secret" not in pickle.dumps(store_settings(conf, environ))


def _s3a(conf: dict[str, str]) -> dict[str, str]:
    return {f"fs.s3a.{key}": value for key, value in conf.items()}
