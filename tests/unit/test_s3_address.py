"""The host of a bucket, and the error if DNS does not know the host."""

from __future__ import annotations

from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.config import Config

from job.errors import InvalidValueError
from job.images.s3a_config import settings_from_spark_conf
from job.s3_address import require_hosts, uses_path_style, with_path_style
from tests.support.names import host_without_subdomains

S3A = "spark.hadoop.fs.s3a."


@pytest.mark.parametrize("path_style", [False, True])
@pytest.mark.parametrize("bucket", ["fruits", "my.fruits", "my_fruits", "10.0.0.1", "a..b", "-ab"])
@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "http://127.0.0.1:9000",
        "https://10.1.2.3",
        "http://[::1]:9000",
        "https://[2001:db8::1]",
        "http://s3.local:8333",
        "https://s3.local",
        "https://1.2.3.4.example.org",
    ],
)
def test_path_style_is_chosen_as_in_the_aws_sdk(
    endpoint: str, bucket: str, path_style: bool
) -> None:
    if (endpoint, bucket) == ("http://127.0.0.1:9000", "my.fruits"):
        # botocore and s3a would use my.fruits.127.0.0.1, which is not a host.
        path_style = True
    expected = _by_path_for_botocore(bucket, endpoint, path_style)
    assert uses_path_style(bucket, endpoint, path_style) == expected


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "10.1.2.3:9000", "http://[::1]:80"])
@pytest.mark.parametrize("given", [{}, {f"{S3A}path.style.access": "false"}])
def test_an_ip_address_always_has_path_style(endpoint: str, given: dict[str, str]) -> None:
    settings = {**given, f"{S3A}endpoint": endpoint}
    assert with_path_style(settings)[f"{S3A}path.style.access"] == "true"
    assert settings_from_spark_conf(settings, {}).path_style


def test_a_host_name_keeps_the_settings() -> None:
    settings = {f"{S3A}endpoint": "http://s3.local:9000"}
    assert with_path_style(settings) == settings
    assert not settings_from_spark_conf(settings, {}).path_style


@pytest.fixture(scope="module")
def host() -> str:
    """A host name that DNS knows, without subdomains."""
    return host_without_subdomains()


def test_the_error_for_an_unknown_host_names_path_style(host: str) -> None:
    endpoint = {f"{S3A}endpoint": f"http://{host}:9000"}
    with pytest.raises(InvalidValueError, match=rf"fruits\.{host}.*fs\.s3a\.path\.style\.access"):
        require_hosts(["s3a://fruits/images"], endpoint)
    with pytest.raises(InvalidValueError, match=rf"fruits\.{host}"):
        require_hosts([], {**endpoint, "spark.eventLog.dir": "s3://fruits/logs"})
    bucket_settings = {f"{S3A}bucket.fruits.endpoint": f"http://{host}:9000"}
    with pytest.raises(InvalidValueError, match=rf"fruits\.{host}"):
        require_hosts(["s3a://fruits/images"], bucket_settings)
    require_hosts(["s3a://others/images"], bucket_settings)


@pytest.mark.parametrize(
    "more",
    [
        {"path.style.access": "true"},
        {"bucket.fruits.path.style.access": "true"},
        {"proxy.host": "proxy.example.org"},
        {"endpoint": "http://127.0.0.1:9000"},
        {"endpoint": "https://s3.eu-west-1.amazonaws.com"},
        # If the endpoint is unknown too, the network may be down.
        {"endpoint": "http://no-such-host.invalid"},
    ],
)
def test_a_bucket_that_may_be_reachable_is_not_refused(host: str, more: dict[str, str]) -> None:
    settings = {"endpoint": f"http://{host}:9000", **more}
    require_hosts(["s3a://fruits/images", "/tmp"], {S3A + key: settings[key] for key in settings})


@pytest.mark.parametrize("endpoint", ["http://[::1", "http://s3.local:99999", "http://s3.local:x"])
def test_an_invalid_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(InvalidValueError, match="is not an endpoint"):
        require_hosts(["s3a://fruits/images"], {f"{S3A}endpoint": endpoint})


def _by_path_for_botocore(bucket: str, endpoint: str, path_style: bool) -> bool:
    """Whether botocore uses path style, from a URL that it signs."""
    style = {"addressing_style": "path" if path_style else "virtual"}
    client = botocore.session.Session().create_client(
        "s3",
        region_name="eu-central-1",
        endpoint_url=endpoint or None,
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=Config(s3=style, signature_version="s3v4"),
    )
    signed = urlsplit(client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "x"}))
    return not (signed.hostname or "").startswith(f"{bucket}.")
