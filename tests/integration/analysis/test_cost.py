"""The usage and cost of real runs: while they run, and from their event logs."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from job.analysis.cost.event_log import usage_from_log
from job.analysis.cost.log_files import find_log_files
from job.analysis.cost.prices import EXAMPLE
from job.analysis.cost.storage import Storage
from job.analysis.cost.usage import Usage
from job.cli import main
from job.deploy.local.s3_server import LocalS3Server

pytestmark = pytest.mark.slow

HEAP_GB, SLOTS, IMAGES = 2, 2, 20
LOGGED = """
import sys
from pyspark.sql import SparkSession
folder, compress, codec, rolling = sys.argv[1:]
builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
for key, value in {
    "spark.driver.host": "127.0.0.1", "spark.driver.memory": "1g",
    "spark.eventLog.enabled": "true", "spark.eventLog.dir": f"file://{folder}",
    "spark.eventLog.compress": compress, "spark.eventLog.compression.codec": codec,
    "spark.eventLog.rolling.enabled": rolling,
}.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
# Each task is an event of 3 kB, enough for several blocks of each codec.
spark.range(0, 1000, 1, 100).selectExpr("sum(id)").collect()
spark.stop()
"""


@dataclass(frozen=True)
class Run:
    """A run with a local output and its event log on S3."""

    output: Path
    log: str
    storage: Storage

    def usage(self) -> Usage:
        files = find_log_files(self.storage, self.log)
        assert not files.in_progress
        return usage_from_log(files.lines())

    def summary(self) -> dict[str, Any]:
        return dict(json.loads((self.output / "runs" / "costly.json").read_text()))


@pytest.fixture(scope="module")
def run(
    s3: LocalS3Server,
    module_bucket: str,
    sample_images: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """Twenty images, with prices, on two slots and 2 GB."""
    (variety, *_) = sorted(sample_images.iterdir())
    output = tmp_path_factory.mktemp("cost") / "output"
    settings = s3.spark_settings() | {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": f"s3a://{module_bucket}/event-logs",
        "spark.driver.memory": f"{HEAP_GB}g",
    }
    command = [sys.executable, "-m", "job", "run", "--master", f"local[{SLOTS}]"]
    command += ["--input", str(variety), "--output", str(output), "--run-id", "costly"]
    command += ["--prices", str(EXAMPLE)]
    for key, value in settings.items():
        command += ["--conf", f"{key}={value}"]
    subprocess.run(command, env=s3.environment(), check=True, capture_output=True)
    listed = s3.client().list_objects_v2(Bucket=module_bucket, Prefix="event-logs/")["Contents"]
    (folder,) = {entry["Key"].split("/")[1] for entry in listed if entry["Size"]}
    return Run(output, f"s3a://{module_bucket}/event-logs/{folder}", Storage(settings))


def test_a_rolled_log_on_s3_has_the_usage_of_the_run(run: Run) -> None:
    usage = run.usage()
    (pod,) = usage.pods
    assert usage.images == IMAGES
    assert usage.vcpu_seconds == pytest.approx(SLOTS * pod.seconds)
    assert usage.gb_seconds == pytest.approx(HEAP_GB * pod.seconds)
    assert pod.seconds > sum(run.summary()["seconds"].values())


def test_the_summary_has_nearly_the_same_usage(run: Run) -> None:
    summary, after = run.summary(), run.usage()
    assert summary["usage"]["pods"] == 1
    # The summary is written before Spark stops.
    assert 0 < after.vcpu_seconds - summary["usage"]["vcpu_seconds"] < SLOTS * 30
    ways = {way["name"]: way for way in summary["cost"]["ways"]}
    assert ways["spot"]["cost"] < ways["on demand"]["cost"]
    assert ways["spot"]["per_million"] == pytest.approx(ways["spot"]["cost"] / IMAGES * 1e6)


def test_the_report_shows_usage_and_cost(run: Run) -> None:
    page = (run.output / "report" / "index.html").read_text(encoding="utf-8")
    assert '<section id="cost"' in page
    assert "vCPU-seconds" in page
    assert "on demand, with EMR" in page


def test_the_command_reads_a_log_on_s3(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    settings = run.storage.settings.items()
    conf = [part for key, value in settings for part in ("--conf", f"{key}={value}")]
    command = ["cost", run.log, "--prices", str(EXAMPLE), "--output", str(run.output), "--json"]
    assert main([*command, *conf]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["images"] == IMAGES
    assert values["storage_month"] > 0
    assert main(["cost", "s3a://no-such-bucket-here/log", *conf]) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compress", "codec", "rolling"),
    [("false", "zstd", "false"), ("true", "lz4", "false"), ("true", "zstd", "true")],
    ids=["plain", "lz4", "zstd, rolled"],
)
def test_complete_and_truncated_logs_of_each_codec_are_read(
    tmp_path: Path, compress: str, codec: str, rolling: str
) -> None:
    command = [sys.executable, "-c", LOGGED, str(tmp_path), compress, codec, rolling]
    subprocess.run(command, check=True, capture_output=True)
    (log,) = (path for path in tmp_path.iterdir() if not path.name.startswith("."))
    complete = usage_from_log(find_log_files(Storage({}), str(log)).lines())
    assert complete.vcpu_seconds == pytest.approx(2 * complete.pods[0].seconds)
    assert complete.gb_seconds == pytest.approx(complete.pods[0].seconds)

    (file,) = [log] if log.is_file() else log.glob("events_*")
    unfinished = tmp_path / f"{file.name}.inprogress"
    unfinished.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    files = find_log_files(Storage({}), str(unfinished))
    assert files.in_progress
    assert 0 < usage_from_log(files.lines(), in_progress=True).vcpu_seconds < complete.vcpu_seconds
