"""`doctor --in-cluster` with a real Spark and a real S3: each check passes and fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from job.checks import run_checks
from job.cli.root import cli, main
from job.deploy.local.jars import pyspark_jar_folder
from job.deploy.local.s3_server import LocalS3Server
from job.job_arguments import job_arguments
from job.pipeline.in_cluster.context import InClusterContext
from job.pipeline.in_cluster.registry import IN_CLUSTER_CHECKS
from job.resources import weights_folder
from tests.support.proxy import Request, Response, S3Proxy

pytestmark = pytest.mark.slow

Checks = dict[str, dict[str, Any]]
RunDoctor = Callable[..., Checks]
OK_ON_DISK = {
    "spark",
    "classpath",
    "input-image",
    "output",
    "magic-commit",
    "weights",
    "allowed-regions",
}
OK_ON_S3 = OK_ON_DISK | {"endpoint", "identity", "forward-pass"}
# Few tests need it.
NETWORK = ("forward-pass",)


@pytest.fixture(scope="module")
def images(s3: LocalS3Server, module_bucket: str, sample_images: Path) -> str:
    """Input path of twenty images and a README in a bucket."""
    (variety, *_) = sorted(sample_images.iterdir())
    s3.client().put_object(Bucket=module_bucket, Key="images/A README", Body=b"no image")
    s3.upload_folder(variety, module_bucket, f"images/{variety.name}/")
    return f"s3a://{module_bucket}/images"


@pytest.fixture
def doctor(spark: object, images: str, bucket: str) -> RunDoctor:
    """doctor(*arguments of run, conf=..., input=..., output=...): results without the network."""

    def run(*more: str, conf: dict[str, str] | None = None, **paths: str) -> Checks:
        options = {"input": images, "output": f"s3a://{bucket}/out"} | paths
        words = [part for name, path in options.items() for part in (f"--{name}", path)]
        context = InClusterContext(job_arguments(cli, "run", [*words, *more]), conf or {})
        checks = [check for check in IN_CLUSTER_CHECKS if check.name not in NETWORK]
        return {result.check: asdict(result) for result in run_checks(checks, context)}

    return run


def states(checks: Checks) -> dict[str, str]:
    return {name: check["state"] for name, check in checks.items()}


def failed(checks: Checks) -> list[str]:
    return [name for name, state in states(checks).items() if state == "failed"]


def test_all_checks_pass_and_leave_no_objects(
    spark: object,
    images: str,
    s3: LocalS3Server,
    bucket: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = ["run", "--input", images, "--output", f"s3a://{bucket}/out"]
    assert main(["doctor", "--in-cluster", "--json", "--", *job]) == 0
    stdout = capsys.readouterr().out
    checks = {check["check"]: check for check in json.loads(stdout)["checks"]}
    assert {name for name, state in states(checks).items() if state == "ok"} == OK_ON_S3
    assert checks["magic-commit"]["what"] == "committed by magic"
    assert checks["identity"]["what"].endswith(" from env")
    assert s3.access_key not in stdout
    assert s3.secret_key not in stdout
    listed = s3.client().list_objects_v2(Bucket=bucket).get("Contents", [])
    assert [item["Key"] for item in listed if item["Size"]] == []


def test_a_folder_on_a_disk_needs_no_s3(
    doctor: RunDoctor, sample_images: Path, tmp_path: Path
) -> None:
    checks = doctor(input=str(sample_images), output=str(tmp_path / "out"))
    assert {name for name, state in states(checks).items() if state == "ok"} == OK_ON_DISK
    assert failed(checks) == []
    assert list(tmp_path.rglob("*.parquet")) == []


def test_a_region_that_is_not_allowed(doctor: RunDoctor) -> None:
    checks = doctor("--allowed-regions", "eu-*")
    assert failed(checks) == ["allowed-regions"]
    assert "is in us-east-1" in checks["allowed-regions"]["what"]
    assert checks["allowed-regions"]["exit_code"] == 2


def test_a_missing_bucket_of_the_input(doctor: RunDoctor) -> None:
    checks = doctor(input="s3a://no-such-bucket-here/images")
    assert failed(checks) == ["input-image"]
    assert "no-such-bucket-here" in checks["input-image"]["what"]
    assert checks["input-image"]["exit_code"] == 3
    assert checks["input-image"]["fix"]


def test_an_input_without_an_image(doctor: RunDoctor, s3: LocalS3Server, bucket: str) -> None:
    s3.client().put_object(Bucket=bucket, Key="texts/README", Body=b"no image")
    check = doctor(input=f"s3a://{bucket}/texts")["input-image"]
    assert check["what"].startswith("none of the first 1 objects under")
    assert doctor(input=f"s3a://{bucket}/no")["input-image"]["what"].startswith("nothing is under")


def test_a_missing_bucket_of_the_output(doctor: RunDoctor) -> None:
    checks = doctor(output="s3a://no-such-bucket-here/out")
    assert failed(checks) == ["output"]
    assert states(checks)["magic-commit"] == "skipped"


def test_a_read_only_output(doctor: RunDoctor, proxy: S3Proxy) -> None:
    with answering(proxy, _refuse_writing):
        checks = doctor()
    assert failed(checks) == ["output"]
    assert "refused" in checks["output"]["what"]
    assert checks["output"]["exit_code"] == 4


def test_an_output_that_accepts_objects_but_no_commit(doctor: RunDoctor, proxy: S3Proxy) -> None:
    with answering(proxy, _refuse_commits):
        checks = doctor()
    assert failed(checks) == ["magic-commit"]


@contextmanager
def answering(proxy: S3Proxy, hook: Callable[[Request], Response | None]) -> Iterator[None]:
    proxy.hook = hook
    try:
        yield
    finally:
        proxy.forward()


def _refuse_writing(request: Request) -> Response | None:
    writes = request.kind in ("PUT", "POST", "DELETE")
    return Response.error(403, "AccessDenied", "read-only") if writes else None


def _refuse_commits(request: Request) -> Response | None:
    uploads = request.kind in ("PUT", "POST") and "/commit/" in request.key
    return Response.error(403, "AccessDenied", "no uploads") if uploads else None


def test_damaged_weights(doctor: RunDoctor, tmp_path: Path) -> None:
    whole = next(weights_folder().glob("*.h5")).read_bytes()
    damaged = tmp_path / "damaged.weights.h5"
    damaged.write_bytes(whole[: len(whole) // 2])
    checks = doctor("--weights", str(damaged))
    assert failed(checks) == ["weights"]
    assert checks["weights"]["exit_code"] == 11


def test_a_class_that_no_jar_has(doctor: RunDoctor) -> None:
    name = "software.amazon.awssdk.auth.credentials.NoSuchProvider"
    checks = doctor(conf={"spark.hadoop.fs.s3a.aws.credentials.provider": name})
    assert failed(checks) == ["classpath"]
    assert name in checks["classpath"]["what"]
    assert checks["classpath"]["exit_code"] == 12
    assert states(checks)["output"] == "skipped"


def test_an_event_log_that_cannot_be_written(doctor: RunDoctor) -> None:
    conf = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": "s3a://no-such-bucket-here/l"}
    assert failed(doctor(conf=conf)) == ["event-log"]


def test_invalid_arguments_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--in-cluster", "--", "run", "--input", "x", "--label-level", "-1"]) == 2
    assert main(["doctor", "--in-cluster"]) == 2
    assert "none is named" in capsys.readouterr().err


def run_in_process(
    server: LocalS3Server, *job: str, conf: dict[str, str], **environment: str
) -> tuple[int, Checks]:
    """Run doctor in a process with its own Spark; returns the exit code and the results."""
    settings = server.spark_settings() | conf
    pairs = [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]
    ended = subprocess.run(
        [sys.executable, "-m", "job", "doctor", "--in-cluster", "--json", *pairs, "--", *job],
        env=server.environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, {check["check"]: check for check in json.loads(ended.stdout)["checks"]}


@pytest.mark.slow
def test_wrong_keys(s3: LocalS3Server, images: str, bucket: str) -> None:
    job = ("run", "--input", images, "--output", f"s3a://{bucket}/out")
    code, checks = run_in_process(s3, *job, conf={}, AWS_SECRET_ACCESS_KEY="wrong")
    assert code == 4
    assert failed(checks) == ["input-image", "output"]


@pytest.mark.slow
def test_an_endpoint_whose_name_does_not_resolve(
    s3: LocalS3Server, images: str, bucket: str
) -> None:
    job = ("run", "--input", images, "--output", f"s3a://{bucket}/out")
    conf = {"spark.hadoop.fs.s3a.endpoint": "http://s3.nowhere.invalid:8333"}
    code, checks = run_in_process(s3, *job, conf=conf)
    assert code == 8
    assert failed(checks) == ["endpoint"]
    assert "s3.nowhere.invalid does not resolve" in checks["endpoint"]["what"]
    assert states(checks)["input-image"] == "skipped"
    assert states(checks)["forward-pass"] == "ok"


@pytest.mark.slow
def test_a_missing_jar(s3: LocalS3Server, images: str, bucket: str, tmp_path: Path) -> None:
    """A Spark as pip installs it, without the jar of Delta's log on S3."""
    installed = pyspark_jar_folder().parent
    for path in installed.iterdir():
        if path.name != "jars":
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "jars").mkdir()
    for jar in (installed / "jars").glob("*.jar"):
        if not jar.name.startswith("delta-storage"):
            (tmp_path / "jars" / jar.name).symlink_to(jar)
    job = ("run", "--input", images, "--output", f"s3a://{bucket}/out")
    code, checks = run_in_process(s3, *job, conf={}, SPARK_HOME=str(tmp_path))
    assert code == 12
    assert "io.delta.storage.S3SingleDriverLogStore" in checks["classpath"]["what"]


def test_no_java(images: str, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "JAVA_HOME"} | {
        "PATH": str(tmp_path)
    }
    command = [sys.executable, "-m", "job", "doctor", "--in-cluster", "--", "run"]
    ended = subprocess.run(
        [*command, "--input", images, "--output", str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "failed  spark: no Java found" in ended.stdout
    assert "skipped output: requires classpath" in ended.stdout
