"""The rules that hold for every run."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from job.cli import main
from job.deploy.local.s3_server import LocalS3Server
from job.runtime.metrics import FEATURIZE_NODE
from job.runtime.progress import RowCounter
from tests.integration.tables import features_of, quarantine_of, summary_of
from tests.support.proxy import Request, Response, S3Proxy

# The command line uses the existing session and its store.
pytestmark = pytest.mark.usefixtures("spark")

READERS = ["concurrent", pytest.param("s3a", marks=pytest.mark.slow)]
# For a minute: OUTAGE_SECONDS=60 make test ARGS="-k refusals".
OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "10"))


@pytest.fixture
def images(s3: LocalS3Server, bucket: str, sample_images: Path) -> str:
    """Input path of forty images of two varieties."""
    for variety in sorted(sample_images.iterdir())[:2]:
        s3.upload_folder(variety, bucket, f"images/{variety.name}/")
    return f"s3a://{bucket}/images"


@dataclass(frozen=True)
class Days:
    """Three daily runs on one bucket: features, reasons and counts after each run."""

    features: list[dict[str, list[float]]]
    reasons: list[dict[str, str]]
    counts: list[dict[str, int]]
    through_network: list[int]


@pytest.fixture(scope="module")
def days(
    spark: SparkSession, s3: LocalS3Server, module_bucket: str, sample_images: Path
) -> tuple[Days, str]:
    """Sixty images in two batches; then one changed, deleted, new and broken; then repaired."""
    for variety in sorted(sample_images.iterdir())[:3]:
        s3.upload_folder(variety, module_bucket, f"images/{variety.name}/")
    other = sorted((sample_images / "Tomato 3").iterdir())[0].read_bytes()
    client, output = s3.client(), f"s3a://{module_bucket}/out"
    result = Days([], [], [], [])

    def day(run_id: str, *more: str) -> list[str]:
        count = RowCounter(spark, FEATURIZE_NODE)
        arguments = ["--input", f"s3a://{module_bucket}/images", "--output", output]
        arguments += ["--run-id", run_id, "--max-bad-fraction", "0.5", *more]
        assert main(["featurize", *arguments]) == 0
        result.features.append(features_of(spark, output))
        result.reasons.append(quarantine_of(spark, output))
        result.counts.append(summary_of(spark, output, run_id)["counts"])
        result.through_network.append(count())
        return [path.split("/", 3)[3] for path in sorted(result.features[-1])]

    changed, deleted, broken, *_ = day("day-1", "--batch-images", "40")
    client.put_object(Bucket=module_bucket, Key=changed, Body=other)
    client.delete_object(Bucket=module_bucket, Key=deleted)
    client.put_object(Bucket=module_bucket, Key="images/New/one.jpg", Body=other)
    whole = client.get_object(Bucket=module_bucket, Key=broken)["Body"].read()
    client.put_object(Bucket=module_bucket, Key=broken, Body=whole[: len(whole) // 2])
    day("day-2")
    client.put_object(Bucket=module_bucket, Key=broken, Body=whole)
    day("day-3")
    return result, f"s3a://{module_bucket}/"


def test_all_batches_together_have_all_images(days: tuple[Days, str]) -> None:
    result, _ = days
    assert len(result.features[0]) == 60
    assert result.through_network[0] == 60


def test_only_new_and_changed_images_are_featurized_again(days: tuple[Days, str]) -> None:
    result, root = days
    assert result.counts[1] == {
        "listed": 60,
        "featurized": 2,
        "reused": 57,
        "quarantined": 1,
        "dropped": 1,
    }
    # The broken image went through the network step too.
    assert result.through_network[1] == 3
    changed, deleted, _, unchanged = sorted(result.features[0])[:4]
    assert deleted not in result.features[1]
    assert result.features[1][unchanged] == result.features[0][unchanged]
    assert result.features[1][changed] == result.features[1][f"{root}images/New/one.jpg"]
    assert result.features[1][changed] != result.features[0][changed]


def test_a_broken_image_is_in_quarantine_until_it_is_repaired(
    days: tuple[Days, str],
) -> None:
    result, _ = days
    broken = sorted(result.features[0])[2]
    assert result.reasons == [{}, {broken: "truncated"}, {}]
    assert broken not in result.features[1]
    assert result.features[2][broken] == result.features[0][broken]


@pytest.mark.parametrize("reader", READERS)
def test_a_forbidden_and_a_vanished_object_are_tried_again_in_the_next_run(
    spark: SparkSession,
    s3: LocalS3Server,
    proxy: S3Proxy,
    images: str,
    bucket: str,
    reader: str,
) -> None:
    output = f"s3a://{bucket}/out"
    arguments = ["featurize", "--input", images, "--output", output]
    arguments += ["--reader", reader, "--max-bad-fraction", "0.5"]
    listed = s3.client().list_objects_v2(Bucket=bucket, Prefix="images/")["Contents"]
    forbidden, vanished = sorted(item["Key"] for item in listed)[:2]

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
    assert len(features_of(spark, output)) == 40


def test_an_image_is_tried_again_once_a_limit_changes(
    spark: SparkSession, sample_images: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images" / "Apple"
    images.mkdir(parents=True)
    by_size = sorted(sample_images.rglob("*.jpg"), key=lambda image: image.stat().st_size)
    small, large = by_size[0], by_size[-1]
    for image in (small, large):
        shutil.copyfile(image, images / image.name)
    output, limit = str(tmp_path / "out"), str(large.stat().st_size - 1)
    arguments = ["featurize", "--input", str(tmp_path / "images"), "--output", output]
    arguments += ["--max-bad-fraction", "1"]

    assert main([*arguments, "--max-image-bytes", limit]) == 0
    assert list(quarantine_of(spark, output).values()) == ["too_large"]
    assert main([*arguments, "--max-image-pixels", "9999"]) == 0
    assert list(quarantine_of(spark, output).values()) == ["too_many_pixels"]
    assert main(arguments) == 0
    assert quarantine_of(spark, output) == {}
    assert len(features_of(spark, output)) == 2


# Each reader has one refusal; with OUTAGE_SECONDS it has both.
REFUSALS = [
    ("concurrent", 503, "SlowDown"),
    pytest.param("s3a", 403, "ExpiredToken", marks=pytest.mark.slow),
]
if "OUTAGE_SECONDS" in os.environ:
    REFUSALS += [("concurrent", 403, "ExpiredToken"), ("s3a", 503, "SlowDown")]


@pytest.mark.parametrize(("reader", "status", "code"), REFUSALS)
def test_a_run_waits_until_storage_refusals_end(
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
    assert len(features_of(spark, output)) == 40
    assert quarantine_of(spark, output) == {}


def _after_first(proxy: S3Proxy, prefix: str, action: Callable[[], None]) -> threading.Event:
    """Call `action` once, after five requests for images; then set the event."""
    done = threading.Event()
    earlier = proxy.count("GET", prefix)

    def watch() -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if proxy.count("GET", prefix) >= earlier + 5:
                action()
                done.set()
                return
            time.sleep(0.01)

    threading.Thread(target=watch, daemon=True).start()
    return done
