"""Several runs on one output: one works, and one that was stopped cannot write any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from job import schemas
from job.cli import main
from job.deploy.local.s3_server import LocalS3Server
from job.features.feature_encoding import packed
from job.output.layout import Layout
from job.output.lease import claim
from job.output.lease_store import ChangedError, claim_store
from job.output.tables import Tables
from job.runtime import filesystem
from tests.integration.tables import features_of, summary_of
from tests.support.processes import wait_until

pytestmark = pytest.mark.usefixtures("spark")

BUSY = 7
LEASE = 4.0


def test_on_s3_one_of_many_writes_the_object(spark: SparkSession, bucket: str) -> None:
    store = claim_store(spark, f"s3a://{bucket}/out put/_claim.json")
    assert store.read() is None
    won: list[str] = []

    def write(content: str) -> None:
        try:
            store.write(content.encode(), None)
        except ChangedError:
            return
        won.append(content)

    threads = [threading.Thread(target=write, args=(f"content {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = won
    first = store.read()
    assert first is not None
    assert first.content == winner.encode()
    second = store.write(b"second", first.etag)
    with pytest.raises(ChangedError):
        store.write(b"third", first.etag)
    found = store.read()
    assert found is not None
    assert (found.content, found.etag) == (b"second", second)


def test_a_run_on_a_claimed_output_ends_as_busy_and_leaves_nothing(
    spark: SparkSession, bucket: str, sample_images: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = f"s3a://{bucket}/out"
    held = claim(claim_store(spark, Layout(output).claim), "the-first", output, LEASE)
    arguments = ["--input", str(sample_images), "--output", output, "--run-id", "second"]
    assert main(["featurize", *arguments, "--claim-seconds", str(LEASE)]) == BUSY
    assert "run the-first on" in capfd.readouterr().err
    assert filesystem.names(spark, output) == ["_claim.json"]
    held.release()


def test_a_commit_of_an_earlier_claim_is_passed_over(
    spark: SparkSession, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a driver that was stopped between its last look at the claim and the commit."""
    output = f"s3a://{bucket}/out"
    layout, store = Layout(output), claim_store(spark, Layout(output).claim)
    before = claim(store, "before", output, 1)
    monkeypatch.setattr(before, "check", lambda: None)
    before._over.set()
    after = claim(store, "after", output, 1)
    row = ("s3a://b/a.jpg", "a", 1, "e", None, packed(np.float32([0.5])), None, None, None)
    outcome = spark.createDataFrame([row], schemas.OUTCOME_SCHEMA)
    theirs = Tables(spark, layout, "after", after)
    theirs.create({"identity": "x"})
    theirs.commit(outcome, 0, 1, known=False)
    Tables(spark, layout, "before", before).commit(outcome, 0, 1, known=False)
    assert list(features_of(spark, output)) == ["s3a://b/a.jpg"]
    after.release()


@contextmanager
def started(arguments: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The command in a group of its own, of which nothing is left at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "job", *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.slow
def test_a_driver_that_was_stopped_ends_as_busy_and_duplicates_nothing(
    spark: SparkSession, s3: LocalS3Server, bucket: str, sample_images: Path
) -> None:
    """Stopped past the expiry of its claim, while another run finishes; then it goes on."""
    for variety in sorted(sample_images.iterdir())[:3]:
        s3.upload_folder(variety, bucket, f"images/{variety.name}/")
    output = f"s3a://{bucket}/out"
    paths = ["featurize", "--input", f"s3a://{bucket}/images", "--output", output]
    paths += ["--portion-images", "15", "--claim-seconds", str(LEASE)]
    conf = [f"--conf={key}={value}" for key, value in s3.spark_settings().items()]
    with started([*paths, "--run-id", "stopped", *conf], s3.environment()) as first:
        log = f"{output}/features/_delta_log"
        wait_until(lambda: filesystem.exists(spark, f"{log}/00000000000000000001.json"), 120)
        os.killpg(first.pid, signal.SIGSTOP)
        try:
            assert main([*paths, "--run-id", "second"]) == 0
        finally:
            os.killpg(first.pid, signal.SIGCONT)
        _, told = first.communicate(timeout=120)
    assert first.returncode == BUSY, told
    # The second had released the claim; who held it last is told all the same.
    assert "run second on" in told
    assert len(features_of(spark, output)) == 60
    assert summary_of(spark, output, "second")["counts"]["featurized"] < 60
    assert not filesystem.exists(spark, f"{output}/runs/stopped.json")
