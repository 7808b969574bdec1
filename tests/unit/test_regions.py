"""Allowed regions, and the regions of buckets."""

from __future__ import annotations

import os
from collections.abc import Iterator

import boto3
import pytest

from job import regions
from job.cli import main
from job.errors import InvalidValueError, TransportError
from job.runtime import session

mock_aws = pytest.importorskip("moto", reason="`make setup` installs moto").mock_aws
EUROPE = ("eu-*",)


@pytest.fixture
def buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A bucket in Frankfurt and one in Virginia."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with mock_aws():
        location = {"LocationConstraint": "eu-central-1"}
        client = boto3.client("s3", region_name="eu-central-1")
        client.create_bucket(Bucket="in-europe", CreateBucketConfiguration=location)
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="in-america")
        yield


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ()), ("eu-*", ("eu-*",)), (" eu-* , us-east-1,", ("eu-*", "us-east-1"))],
)
def test_patterns_are_separated_by_commas(text: str, expected: tuple[str, ...]) -> None:
    assert regions.parse_patterns(text) == expected


@pytest.mark.parametrize("text", ["EU-*", "eu-central-1;us-east-1", "s3://x"])
def test_an_invalid_pattern_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="fix: write --allowed-regions 'eu-"):
        regions.parse_patterns(text)


@pytest.mark.parametrize(
    ("region", "allowed"),
    [
        ("eu-central-1", ("eu-*",)),
        ("us-east-1", ("eu-*", "us-east-1")),
        ("eusc-de-east-1", ("eu*",)),
    ],
)
def test_a_matching_region_is_allowed(region: str, allowed: tuple[str, ...]) -> None:
    regions.require_allowed("the bucket x", region, allowed)


@pytest.mark.parametrize("region", ["us-east-1", "eusc-de-east-1", "meu-central-1", ""])
def test_a_region_that_matches_no_pattern_is_refused(region: str) -> None:
    name = region or "an unknown region"
    with pytest.raises(InvalidValueError, match=f"the bucket x is in {name}; expected one of"):
        regions.require_allowed("the bucket x", region, EUROPE)


@pytest.mark.usefixtures("buckets")
def test_the_region_of_a_bucket_comes_from_aws() -> None:
    assert regions.find_bucket_region("in-europe", "") == "eu-central-1"
    assert regions.find_bucket_region("in-america", "eu-central-1") == "us-east-1"
    assert regions.find_bucket_region("nowhere", "eu-central-1") is None


@pytest.mark.usefixtures("buckets")
def test_all_buckets_of_a_run_are_checked() -> None:
    regions.require_buckets_allowed(["s3a://in-europe/x", "/tmp/y", "s3a://nowhere/z"], {}, EUROPE)
    with pytest.raises(InvalidValueError, match="the bucket in-america is in us-east-1"):
        regions.require_buckets_allowed(["s3a://in-europe/x", "s3://in-america"], {}, EUROPE)
    logs = {"spark.eventLog.dir": "s3a://in-america/logs"}
    with pytest.raises(InvalidValueError, match="the bucket in-america"):
        regions.require_buckets_allowed(["s3a://in-europe/x"], logs, EUROPE)


def test_the_region_of_another_store_comes_from_the_settings() -> None:
    settings = {
        "spark.hadoop.fs.s3a.endpoint": "http://s3.local:8333",
        "spark.hadoop.fs.s3a.endpoint.region": "eu-west-1",
    }
    regions.require_buckets_allowed(["s3a://x/y"], settings, EUROPE)
    del settings["spark.hadoop.fs.s3a.endpoint.region"]
    with pytest.raises(InvalidValueError, match="an unknown region"):
        regions.require_buckets_allowed(["s3a://x/y"], settings, EUROPE)


def test_a_bucket_is_refused_if_aws_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(TransportError, match="the region of the bucket images is unknown"):
        regions.find_bucket_region("images", "eu-central-1")


@pytest.mark.parametrize(
    ("endpoint", "aws"),
    [
        ("", True),
        ("s3.eu-central-1.amazonaws.com", True),
        ("https://s3.cn-north-1.amazonaws.com.cn", True),
        ("http://s3.local:8333", False),
        ("https://amazonaws.com.example.org", False),
    ],
)
def test_endpoints_of_aws(endpoint: str, aws: bool) -> None:
    assert regions.is_aws_endpoint(endpoint) == aws


@pytest.mark.usefixtures("buckets")
def test_the_job_ends_before_it_writes_to_a_bucket(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first write of a job.
    monkeypatch.setattr(session, "_make_event_log_folder", lambda _: pytest.fail("too late"))
    paths = ["--input", "s3a://in-europe/images", "--output", "s3a://in-america/x"]
    logs = "spark.eventLog.enabled=true"
    folder = "spark.eventLog.dir=s3a://in-europe/logs"
    conf = ["--conf", logs, "--conf", folder, "--master", "local[1]"]
    assert main(["run", *paths, "--allowed-regions", "eu-*", *conf]) == 2
    assert "the bucket in-america is in us-east-1; expected one of" in capfd.readouterr().err
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="in-europe")
