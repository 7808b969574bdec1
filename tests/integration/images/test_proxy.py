"""The S3 proxy of tests and benchmarks: responses, faults and counters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from job.deploy.local.s3_server import LocalS3Server
from tests.support.proxy import Response, S3Proxy


@pytest.fixture
def proxy(s3: LocalS3Server) -> Iterator[S3Proxy]:
    with S3Proxy(s3.endpoint) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: S3Proxy) -> Iterator[Any]:
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    client = boto3.client("s3", endpoint_url=proxy.endpoint, config=config)
    yield client
    client.close()


def test_signed_requests_of_all_kinds_reach_the_server(client: Any, bucket: str) -> None:
    large = bytes(range(256)) * 40_000
    client.put_object(Bucket=bucket, Key="a folder/ä %.jpg", Body=b"small")
    client.put_object(Bucket=bucket, Key="large", Body=large)
    client.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "large"})
    client.delete_object(Bucket=bucket, Key="large")

    keys = [item["Key"] for item in client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["a folder/ä %.jpg", "copy"]
    assert client.get_object(Bucket=bucket, Key="a folder/ä %.jpg")["Body"].read() == b"small"
    assert client.get_object(Bucket=bucket, Key="copy")["Body"].read() == large
    assert client.head_object(Bucket=bucket, Key="copy")["ContentLength"] == len(large)


def test_requests_are_counted_by_kind_and_key(client: Any, proxy: S3Proxy, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="images/ä 1.jpg", Body=b"1")
    client.copy_object(
        Bucket=bucket, Key="2", CopySource={"Bucket": bucket, "Key": "images/ä 1.jpg"}
    )
    client.list_objects_v2(Bucket=bucket)
    for _ in range(3):
        client.get_object(Bucket=bucket, Key="images/ä 1.jpg")["Body"].read()
    client.head_object(Bucket=bucket, Key="2")

    kinds = ("PUT", "COPY", "LIST", "GET", "HEAD")
    assert [proxy.count(kind) for kind in kinds] == [1, 1, 1, 3, 1]
    assert proxy.count("GET", "images/ä") == 3
    assert proxy.count("GET", "2") == 0


def test_each_response_is_delayed(client: Any, proxy: S3Proxy, bucket: str) -> None:
    proxy.delay_seconds = 0.2
    before = time.monotonic()
    client.put_object(Bucket=bucket, Key="1", Body=b"1")
    client.get_object(Bucket=bucket, Key="1")
    assert 0.4 <= time.monotonic() - before < 1.0


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (403, "ExpiredToken")])
def test_a_fault_is_returned_until_it_is_switched_off(
    client: Any, proxy: S3Proxy, bucket: str, status: int, code: str
) -> None:
    proxy.answer_with(status, code, "for the test")
    for _ in range(2):
        with pytest.raises(ClientError) as failure:
            client.put_object(Bucket=bucket, Key="1", Body=b"x" * 100_000)
        assert failure.value.response["Error"]["Code"] == code
        assert failure.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    proxy.forward()
    client.put_object(Bucket=bucket, Key="1", Body=b"1")
    assert client.get_object(Bucket=bucket, Key="1")["Body"].read() == b"1"


def test_a_hook_chooses_which_requests_fail(client: Any, proxy: S3Proxy, bucket: str) -> None:
    for key in ("good", "bad"):
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    denied = Response.error(403, "AccessDenied")
    proxy.hook = lambda request: denied if request.key == "bad" else None

    assert client.get_object(Bucket=bucket, Key="good")["Body"].read() == b"good"
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_object(Bucket=bucket, Key="bad")
