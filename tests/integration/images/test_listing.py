"""Listings of a real S3 server and the local disk: every object once, under its exact name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from job.config import ImagesConfig
from job.deploy.local.s3_server import LocalS3Server
from job.errors import AccessDeniedError, InputNotFoundError, InvalidValueError, TransportError
from job.images import listing
from job.images.listing import check_input, list_images
from job.images.s3a_config import StoreSettings, hadoop_settings, store_settings
from tests.integration.images import awkward

Lister = Callable[[str, str], DataFrame]
FILES = {
    "train/Apple/1.jpg": b"1",
    "train/Apple/2.png": b"22",
    "train/Pear/.3": b"333",
    "test/Apple/4.jpg": b"4444",
    "5.jpg": b"55555",
}


@pytest.fixture(params=["concurrent", "hadoop"])
def settings(request: pytest.FixtureRequest, spark: SparkSession) -> StoreSettings | None:
    """The settings of the concurrent client, or None for the client of s3a."""
    if request.param == "hadoop":
        return None
    return store_settings(hadoop_settings(spark), os.environ)


@pytest.fixture
def files(s3: LocalS3Server, bucket: str) -> str:
    """The path of a folder `in` that contains FILES."""
    for key, body in FILES.items():
        s3.client().put_object(Bucket=bucket, Key=f"in/{key}", Body=body)
    s3.client().put_object(Bucket=bucket, Key="input-beside/6.jpg", Body=b"6")
    return f"s3a://{bucket}/in"


def test_every_awkward_name_is_listed_unchanged(
    spark: SparkSession, s3: LocalS3Server, bucket: str, settings: StoreSettings | None
) -> None:
    contents = awkward.fill(s3.client(), bucket)
    rows = list_images(spark, ImagesConfig(f"s3://{bucket}/in"), settings).collect()
    assert len(rows) == len(contents)
    listed = {row["path"].removeprefix(f"s3a://{bucket}/"): row["length"] for row in rows}
    assert listed == {key: len(body) for key, body in contents.items()}


def test_a_row_has_label_etag_and_time_of_the_store(
    spark: SparkSession, s3: LocalS3Server, files: str, settings: StoreSettings | None
) -> None:
    images = ImagesConfig(files, glob="train/Apple/1.jpg")
    (row,) = list_images(spark, images, settings).collect()
    bucket = files.split("/")[2]
    head = s3.client().head_object(Bucket=bucket, Key="in/train/Apple/1.jpg")
    assert (row["label"], row["length"]) == ("Apple", 1)
    assert row["etag"] == head["ETag"].strip('"')
    assert row["modification_time"].timestamp() == head["LastModified"].timestamp()


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("**", set(FILES)),
        ("train/**", {"train/Apple/1.jpg", "train/Apple/2.png", "train/Pear/.3"}),
        ("**/*.jpg", {"train/Apple/1.jpg", "test/Apple/4.jpg", "5.jpg"}),
        ("*", {"5.jpg"}),
        ("{train,test}/A*/*.jpg", {"train/Apple/1.jpg", "test/Apple/4.jpg"}),
        ("t*/Pear/*", {"train/Pear/.3"}),
        ("none/**", set()),
    ],
)
def test_a_glob_selects_objects(
    spark: SparkSession, files: str, glob: str, expected: set[str]
) -> None:
    settings = store_settings(hadoop_settings(spark), os.environ)
    rows = list_images(spark, ImagesConfig(files, glob=glob), settings).collect()
    assert sorted(row["path"] for row in rows) == sorted(f"{files}/{key}" for key in expected)


def test_a_bucket_or_a_single_object_is_a_valid_input(
    spark: SparkSession, files: str, settings: StoreSettings | None
) -> None:
    bucket = files.removesuffix("/in")
    assert list_images(spark, ImagesConfig(bucket), settings).count() == len(FILES) + 1
    (row,) = list_images(spark, ImagesConfig(f"{files}/5.jpg"), settings).collect()
    assert (row["path"], row["label"]) == (f"{files}/5.jpg", "in")


def test_a_listing_with_many_pages_has_each_object_once(
    spark: SparkSession,
    s3: LocalS3Server,
    bucket: str,
    settings: StoreSettings | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing, "_ROWS_PER_CHUNK", 1_000)
    keys = {f"{folder}/{number}" for folder in "ab" for number in range(520)}
    client = s3.client()
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=b"x")
    rows = list_images(spark, ImagesConfig(f"s3a://{bucket}"), settings).collect()
    assert sorted(row["path"] for row in rows) == sorted(f"s3a://{bucket}/{key}" for key in keys)


def test_local_files_are_listed_with_a_stable_etag(spark: SparkSession, tmp_path: Path) -> None:
    names = ["a b%20/x.jpg", "_y/.z", "é/😀", "new\nline", "top.jpg"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    images = ImagesConfig(str(tmp_path))
    rows = list_images(spark, images, None).collect()
    assert {row["path"] for row in rows} == {f"file://{tmp_path}/{name}" for name in names}
    assert all(row["etag"] for row in rows)
    again = list_images(spark, images, StoreSettings()).collect()
    assert sorted(again) == sorted(rows)


def test_a_local_file_that_changed_has_another_etag(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"one")
    (before,) = list_images(spark, ImagesConfig(str(path)), None).collect()
    path.write_bytes(b"two")
    os.utime(path, ns=(0, 1_700_000_000_123_456_789))
    (after,) = list_images(spark, ImagesConfig(str(path)), None).collect()
    assert before["etag"] != after["etag"]
    assert after["modification_time"].microsecond == 123_000


def test_a_missing_bucket_and_a_missing_folder_have_different_errors(
    spark: SparkSession, files: str, settings: StoreSettings | None
) -> None:
    with pytest.raises(InputNotFoundError, match="bucket 'no-such-bucket-here' does not exist"):
        check_input(spark, ImagesConfig("s3a://no-such-bucket-here/x"), settings)
    with pytest.raises(InputNotFoundError, match="nothing under"):
        check_input(spark, ImagesConfig(f"{files}/missing"), settings)
    check_input(spark, ImagesConfig(files), settings)


def test_an_empty_folder_is_an_error(spark: SparkSession, bucket: str, tmp_path: Path) -> None:
    settings = store_settings(hadoop_settings(spark), os.environ)
    for empty in (f"s3a://{bucket}", str(tmp_path), str(tmp_path / "missing")):
        with pytest.raises(InputNotFoundError, match="nothing under"):
            check_input(spark, ImagesConfig(empty), settings)


def test_wrong_keys_raise_access_denied(
    spark: SparkSession, s3: LocalS3Server, files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_CHECK_SECONDS", 1.0)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    # A process caches clients by their settings: another region creates a new client.
    settings = StoreSettings(s3.endpoint, "eu-north-1", path_style=True, credentials=("env",))
    with pytest.raises(AccessDeniedError, match="SignatureDoesNotMatch"):
        check_input(spark, ImagesConfig(files), settings)


def test_missing_keys_raise_access_denied(
    spark: SparkSession, s3: LocalS3Server, files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    settings = StoreSettings(s3.endpoint, "eu-west-1", path_style=True, credentials=("env",))
    with pytest.raises(AccessDeniedError, match="no credentials for S3"):
        check_input(spark, ImagesConfig(files), settings)


def test_an_endpoint_that_does_not_answer_raises_a_transport_error(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_CHECK_SECONDS", 1.0)
    settings = StoreSettings("http://127.0.0.1:1", "us-east-1", True, ("env",))
    with pytest.raises(TransportError, match="did not answer"):
        check_input(spark, ImagesConfig("s3a://any/x"), settings)


def test_an_invalid_glob_is_refused_before_anything_starts(spark: SparkSession) -> None:
    with pytest.raises(InvalidValueError, match="--glob"):
        check_input(spark, ImagesConfig("s3a://any/x", glob="{a"), None)
