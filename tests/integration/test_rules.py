"""The rules that hold for every run, each with a test that fails without it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from job.cli import main
from job.featurize import FEATURIZE_NODE
from job.local.s3_server import LocalS3Server
from job.progress import RowsOut
from tests.integration.tables import features_of, quarantine_of, summary_of
from tests.support.proxy import Request, Response, S3Proxy

# The command line takes the session that is there, with its store.
pytestmark = pytest.mark.usefixtures("spark")

READERS = ["concurrent", "s3a"]
# A minute by hand: OUTAGE_SECONDS=60 make test ARGS="-k refusals".
OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "15"))


@pytest.fixture
def images(s3: LocalS3Server, bucket: str, sample_images: Path) -> str:
    """Input path of sixty images of three varieties."""
    for variety in sorted(sample_images.iterdir())[:3]:
        s3.upload_folder(variety, bucket, f"images/{variety.name}/")
    return f"s3a://{bucket}/images"


@pytest.mark.parametrize("reader", READERS)
def test_each_image_goes_through_the_network_once_in_a_whole_run(
    spark: SparkSession, images: str, bucket: str, reader: str
) -> None:
    through_the_network = RowsOut(spark, FEATURIZE_NODE)
    output = f"s3a://{bucket}/out"
    assert main(["run", "--input", images, "--output", output, "--reader", reader]) == 0
    assert through_the_network() == 60
    assert main(["run", "--input", images, "--output", output, "--reader", reader]) == 0
    assert through_the_network() == 60


def test_the_concurrent_reader_makes_one_get_an_image(
    proxy: S3Proxy, images: str, bucket: str
) -> None:
    before = proxy.count("GET", "images/")
    assert main(["run", "--input", images, "--output", f"s3a://{bucket}/out"]) == 0
    gets = proxy.count("GET", "images/") - before
    assert 60 <= gets <= 1.05 * 60


def test_no_commit_copies_an_object(proxy: S3Proxy, images: str, bucket: str) -> None:
    before = proxy.count("COPY", "out/")
    assert main(["run", "--input", images, "--output", f"s3a://{bucket}/out"]) == 0
    # The finished CSV gets its name by one copy; nothing else is renamed.
    assert proxy.count("COPY", "out/") - before == 1
    assert proxy.count("COPY", "out/final_features.csv") >= 1


def test_only_new_and_changed_images_are_featurized_again(
    spark: SparkSession, s3: LocalS3Server, images: str, bucket: str, sample_images: Path
) -> None:
    arguments = ["featurize", "--input", images, "--output", f"s3a://{bucket}/out"]
    assert main([*arguments, "--run-id", "day-1"]) == 0
    before = features_of(spark, f"s3a://{bucket}/out")
    first, second, third = sorted(before)[:3]
    other = sorted((sample_images / "Tomato 3").iterdir())[0].read_bytes()
    client = s3.client()
    client.put_object(Bucket=bucket, Key=first.split("/", 3)[3], Body=other)
    client.delete_object(Bucket=bucket, Key=second.split("/", 3)[3])
    client.put_object(Bucket=bucket, Key="images/New/one.jpg", Body=other)
    assert main([*arguments, "--run-id", "day-2"]) == 0
    after = features_of(spark, f"s3a://{bucket}/out")
    assert summary_of(spark, f"s3a://{bucket}/out", "day-2")["counts"] == {
        "listed": 60,
        "featurized": 2,
        "reused": 58,
        "quarantined": 0,
        "dropped": 1,
    }
    assert second not in after
    assert after[third] == before[third]
    assert after[first] == after[f"s3a://{bucket}/images/New/one.jpg"] != before[first]


def test_a_changed_image_that_is_broken_moves_to_quarantine(
    spark: SparkSession, s3: LocalS3Server, images: str, bucket: str
) -> None:
    output = f"s3a://{bucket}/out"
    arguments = ["featurize", "--input", images, "--output", output, "--max-bad-fraction", "0.5"]
    assert main(arguments) == 0
    path = sorted(features_of(spark, output))[0]
    key = path.split("/", 3)[3]
    whole = s3.client().get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.client().put_object(Bucket=bucket, Key=key, Body=whole[: len(whole) // 2])
    assert main(arguments) == 0
    assert path not in features_of(spark, output)
    assert quarantine_of(spark, output) == {path: "truncated"}
    s3.client().put_object(Bucket=bucket, Key=key, Body=whole)
    assert main(arguments) == 0
    assert path in features_of(spark, output)
    assert quarantine_of(spark, output) == {}


def test_small_portions_give_the_same_rows(spark: SparkSession, images: str, bucket: str) -> None:
    whole, portions = f"s3a://{bucket}/whole", f"s3a://{bucket}/portions"
    assert main(["featurize", "--input", images, "--output", whole]) == 0
    arguments = ["featurize", "--input", images, "--output", portions, "--portion-images", "25"]
    assert main(arguments) == 0
    assert features_of(spark, whole).keys() == features_of(spark, portions).keys()


@pytest.mark.parametrize("reader", READERS)
def test_a_forbidden_and_a_vanished_object_are_tried_again_in_the_next_run(
    spark: SparkSession, proxy: S3Proxy, images: str, bucket: str, reader: str
) -> None:
    output = f"s3a://{bucket}/out"
    arguments = ["featurize", "--input", images, "--output", output]
    arguments += ["--reader", reader, "--max-bad-fraction", "0.5"]
    forbidden, vanished = _two_images(images, spark, bucket, reader)

    def refuse(request: Request) -> Response | None:
        if (
            request.bucket == bucket
            and request.key == forbidden
            and request.kind in ("GET", "HEAD")
        ):
            return Response.error(403, "AccessDenied", "Access Denied")
        if request.bucket == bucket and request.key == vanished and request.kind in ("GET", "HEAD"):
            return Response.error(404, "NoSuchKey", "The key does not exist")
        return None

    proxy.hook = refuse
    try:
        assert main(arguments) == 0
    finally:
        proxy.forward()
    assert quarantine_of(spark, output) == {
        f"s3a://{bucket}/{forbidden}": "forbidden",
        f"s3a://{bucket}/{vanished}": "vanished",
    }
    assert main(arguments) == 0
    assert quarantine_of(spark, output) == {}
    assert len(features_of(spark, output)) == 60


def _two_images(images: str, spark: SparkSession, bucket: str, reader: str) -> tuple[str, str]:
    output = f"s3a://{bucket}/names"
    assert main(["featurize", "--input", images, "--output", output, "--reader", reader]) == 0
    first, second = sorted(features_of(spark, output))[:2]
    return first.split("/", 3)[3], second.split("/", 3)[3]


@pytest.mark.parametrize(
    ("reader", "status", "code"),
    [
        ("concurrent", 503, "SlowDown"),
        ("s3a", 403, "ExpiredToken"),
    ],
)
def test_refusals_for_a_while_are_waited_out(
    spark: SparkSession,
    proxy: S3Proxy,
    images: str,
    bucket: str,
    reader: str,
    status: int,
    code: str,
) -> None:
    output = f"s3a://{bucket}/out"
    started = _after_first(proxy, "images/", lambda: proxy.answer_with(status, code, "not now"))
    ended = threading.Timer(OUTAGE_SECONDS, proxy.forward)
    threading.Thread(target=lambda: (started.wait(), ended.start()), daemon=True).start()
    try:
        assert main(["run", "--input", images, "--output", output, "--reader", reader]) == 0
    finally:
        proxy.forward()
    assert started.is_set()
    assert len(features_of(spark, output)) == 60
    assert quarantine_of(spark, output) == {}


def _after_first(proxy: S3Proxy, prefix: str, action: Callable[[], None]) -> threading.Event:
    """Do `action` once, after some images were asked for; the event says that it is done."""
    done = threading.Event()
    begun = proxy.count("GET", prefix)

    def watch() -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if proxy.count("GET", prefix) >= begun + 5:
                action()
                done.set()
                return
            time.sleep(0.01)

    threading.Thread(target=watch, daemon=True).start()
    return done
