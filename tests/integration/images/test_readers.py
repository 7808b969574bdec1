"""Both readers give the same row for every object: its bytes, or one reason why not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from job.deploy.local.s3_server import LocalS3Server
from job.images.s3a_config import StoreSettings, hadoop_settings, store_settings
from tests.integration.images import awkward
from tests.integration.images.outcomes import (
    by_concurrent_reader,
    by_s3a_reader,
    checksum,
    work_of,
)
from tests.support.proxy import Request, Response, S3Proxy


@pytest.fixture
def settings(spark: SparkSession) -> StoreSettings:
    return store_settings(hadoop_settings(spark), os.environ)


@pytest.fixture
def bucket_proxy(
    s3: LocalS3Server, bucket: str, spark: SparkSession, settings: StoreSettings
) -> Iterator[S3Proxy]:
    """A proxy in front of the server; s3a uses it for the bucket of this test only."""
    with S3Proxy(s3.endpoint) as proxy:
        configuration = spark.sparkContext._jsc.hadoopConfiguration()
        key = f"fs.s3a.bucket.{bucket}.endpoint"
        configuration.set(key, proxy.endpoint)
        yield proxy
        configuration.unset(key)


@pytest.fixture
def through_proxy(settings: StoreSettings, bucket_proxy: S3Proxy) -> StoreSettings:
    return StoreSettings(
        bucket_proxy.endpoint, settings.region, settings.path_style, settings.credentials
    )


def test_every_awkward_object_has_the_same_row_from_both_readers(
    spark: SparkSession,
    s3: LocalS3Server,
    bucket: str,
    settings: StoreSettings,
    tmp_path: Path,
) -> None:
    contents = awkward.fill(s3.client(), bucket)
    s3.client().put_object(Bucket=bucket, Key="in/large.jpg", Body=b"x" * 100_001)
    work = work_of(spark, f"s3a://{bucket}/in", settings)
    rows = by_concurrent_reader(work, settings)
    assert {row["path"]: row["features"] for row in rows if row["reason"] is None} == {
        f"s3a://{bucket}/{key}": checksum(body) for key, body in contents.items()
    }
    assert _reasons(rows) == {f"s3a://{bucket}/in/large.jpg": "too_large"}
    assert by_s3a_reader(spark, work, tmp_path) == rows


def test_local_files_have_the_same_row_from_both_readers(
    spark: SparkSession, settings: StoreSettings, tmp_path: Path
) -> None:
    names = ["a b%20.jpg", "_x.jpg", ".y", "{z}[w]*.jpg", "new\nline", "plain.jpg"]
    images = tmp_path / "images"
    images.mkdir()
    for name in names:
        (images / name).write_text(name)
    work = work_of(spark, str(images), settings)
    (images / "plain.jpg").unlink()
    rows = by_concurrent_reader(work, settings)
    assert {row["path"]: row["features"] for row in rows if row["reason"] is None} == {
        f"file://{images}/{name}": checksum(name.encode()) for name in names[:-1]
    }
    assert _reasons(rows) == {f"file://{images}/plain.jpg": "vanished"}
    assert by_s3a_reader(spark, work, tmp_path) == rows


def test_an_object_that_changed_after_the_listing_has_the_row_of_its_new_version(
    spark: SparkSession,
    s3: LocalS3Server,
    bucket: str,
    settings: StoreSettings,
    tmp_path: Path,
) -> None:
    _put(s3, bucket, {"same": b"same", "changed": b"old", "gone": b"gone"})
    work = work_of(spark, f"s3a://{bucket}", settings)
    _put(s3, bucket, {"changed": b"newer"})
    s3.client().delete_object(Bucket=bucket, Key="gone")
    rows = by_concurrent_reader(work, settings)
    changed, gone, same = rows
    assert changed["features"] == checksum(b"newer")
    assert (changed["length"], changed["etag"]) == (5, _etag(s3, bucket, "changed"))
    assert (gone["reason"], gone["detail"]) == ("vanished", "404 NoSuchKey")
    assert same["features"] == checksum(b"same")
    assert by_s3a_reader(spark, work, tmp_path) == rows


@pytest.mark.parametrize(
    ("response", "detail"),
    [
        (Response.error(403, "AccessDenied"), "403 AccessDenied"),
        (Response.error(400, "KMS.DisabledException"), "400 KMS.DisabledException"),
        (
            Response.error(403, "InvalidObjectState", storage_class="GLACIER"),
            "403 InvalidObjectState GLACIER",
        ),
    ],
    ids=["AccessDenied", "KMS", "archived"],
)
def test_a_refused_object_is_forbidden_and_the_others_are_read(
    response: Response,
    detail: str,
    spark: SparkSession,
    s3: LocalS3Server,
    bucket: str,
    settings: StoreSettings,
    through_proxy: StoreSettings,
    bucket_proxy: S3Proxy,
    tmp_path: Path,
) -> None:
    _put(s3, bucket, {"open": b"open", "secret": b"secret"})
    work = work_of(spark, f"s3a://{bucket}", settings)
    bucket_proxy.hook = _respond("secret", response)
    rows = by_concurrent_reader(work, through_proxy)
    assert _reasons(rows) == {f"s3a://{bucket}/secret": "forbidden"}
    assert detail in {row["detail"] for row in rows}
    assert by_s3a_reader(spark, work, tmp_path) == rows


@pytest.mark.parametrize(
    "response",
    [Response.error(503, "SlowDown"), Response.error(403, "ExpiredToken")],
    ids=["SlowDown", "ExpiredToken"],
)
def test_transient_errors_cost_time_but_no_image(
    spark: SparkSession,
    s3: LocalS3Server,
    bucket: str,
    settings: StoreSettings,
    through_proxy: StoreSettings,
    bucket_proxy: S3Proxy,
    response: Response,
) -> None:
    _put(s3, bucket, {str(number): b"x" for number in range(20)})
    work = work_of(spark, f"s3a://{bucket}", settings)
    ends = time.monotonic() + 6
    bucket_proxy.hook = lambda request: response if time.monotonic() < ends else None
    rows = by_concurrent_reader(work, through_proxy)
    assert time.monotonic() > ends
    assert len(rows) == 20
    assert _reasons(rows) == {}


def test_the_concurrent_reader_requests_each_image_once(
    spark: SparkSession,
    s3: LocalS3Server,
    bucket: str,
    settings: StoreSettings,
    through_proxy: StoreSettings,
    bucket_proxy: S3Proxy,
) -> None:
    _put(s3, bucket, {str(number): b"x" for number in range(50)})
    work = work_of(spark, f"s3a://{bucket}", settings)
    by_concurrent_reader(work, through_proxy)
    assert sorted(request.key for request in bucket_proxy.requests) == sorted(map(str, range(50)))
    assert {request.kind for request in bucket_proxy.requests} == {"GET"}


def _put(s3: LocalS3Server, bucket: str, contents: dict[str, bytes]) -> None:
    client = s3.client()
    for key, body in contents.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)


def _etag(s3: LocalS3Server, bucket: str, key: str) -> str:
    return str(s3.client().head_object(Bucket=bucket, Key=key)["ETag"].strip('"'))


def _respond(key: str, response: Response) -> Callable[[Request], Response | None]:
    return lambda request: response if request.key == key else None


def _reasons(rows: list[Row]) -> dict[str, str]:
    return {row["path"]: row["reason"] for row in rows if row["reason"] is not None}
