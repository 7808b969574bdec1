"""An S3 at an IP address: `fs.s3a.endpoint` alone is enough, whatever the bucket is called."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from job.cli.root import cli
from job.deploy.local.s3_server import LocalS3Server
from job.errors import InvalidValueError
from job.images.s3_client import S3Client
from job.images.s3a_config import StoreSettings, settings_from_spark_conf
from job.job_arguments import job_arguments
from job.pipeline.in_cluster.context import InClusterContext
from job.pipeline.in_cluster.storage import endpoint
from tests.integration.tables import features_of
from tests.support.proxy import S3Proxy


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("bucket_name", ["fruits", "my.fruits"])
def test_objects_are_listed_and_read_at_an_ip_address(
    s3: LocalS3Server, host: str, bucket_name: str
) -> None:
    bucket = f"{bucket_name}-{secrets.token_hex(4)}"
    s3.create_bucket(bucket)
    s3.client().put_object(Bucket=bucket, Key="a/b.jpg", Body=b"content")
    with S3Proxy(s3.endpoint, host=host) as proxy:
        settings = {"spark.hadoop.fs.s3a.endpoint": proxy.endpoint}
        store = S3Client(settings_from_spark_conf(settings, os.environ))
        assert [found.length for found in store.page(bucket, "a/").objects] == [7]
        assert store.get(bucket, "a/b.jpg", 100).data == b"content"


def test_doctor_looks_at_the_ip_address_itself(s3: LocalS3Server) -> None:
    run = ["--input", "s3a://fruits/images", "--output", "s3a://fruits/out"]
    subject = InClusterContext(job_arguments(cli, "run", run))
    # In place of a Spark of its own, whose settings these would be.
    vars(subject)["hadoop"] = {"fs.s3a.endpoint": s3.endpoint}
    assert endpoint(subject) == f"{s3.endpoint.removeprefix('http://')} answers"


@pytest.mark.usefixtures("s3")
def test_a_host_that_obstore_panics_at_is_one_error() -> None:
    store = S3Client(StoreSettings("http://127.1:9", "us-east-1", credentials=("env",)))
    with pytest.raises(InvalidValueError, match=r"check fs\.s3a\.endpoint"):
        store.get("fruits", "a.jpg", 100)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "bucket_name", "given"),
    [
        ("127.0.0.1", "my.fruits", []),
        ("::1", "fruits", ["--conf", "spark.hadoop.fs.s3a.path.style.access=false"]),
    ],
)
def test_a_run_needs_the_endpoint_alone(
    spark: SparkSession,
    s3: LocalS3Server,
    sample_images: Path,
    tmp_path: Path,
    host: str,
    bucket_name: str,
    given: list[str],
) -> None:
    bucket = f"{bucket_name}-{secrets.token_hex(4)}"
    s3.create_bucket(bucket)
    for variety in sorted(sample_images.iterdir())[:2]:
        for image in sorted(variety.iterdir())[:4]:
            (tmp_path / variety.name).mkdir(exist_ok=True)
            shutil.copy(image, tmp_path / variety.name)
    s3.upload_folder(tmp_path, bucket, "images")
    output = f"s3a://{bucket}/out"
    with S3Proxy(s3.endpoint, host=host) as proxy:
        command = [sys.executable, "-m", "job", "run", "--reader", "concurrent", *given]
        command += ["--input", f"s3a://{bucket}/images", "--output", output]
        command += ["--conf", f"spark.hadoop.fs.s3a.endpoint={proxy.endpoint}"]
        ended = subprocess.run(
            command, env=s3.environment(), capture_output=True, text=True, check=False
        )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert len(features_of(spark, output)) == 8
