"""Concurrent runs on one output: one works, and a run that lost its lease cannot write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession

from job import schemas
from job.cli import main
from job.deploy.local.s3_server import LocalS3Server
from job.errors import FingerprintMismatchError, OutputBusyError
from job.features.feature_encoding import encode_features
from job.layout import Layout
from job.output.delta_engine import DeltaEngine
from job.output.lease import Lease, acquire
from job.output.lease_store import ConflictError, lease_store
from job.output.tables import Tables
from job.pipeline.run import Run
from job.runtime import filesystem
from job.runtime.retries import StorageRetries, retry
from tests.integration.tables import features_of, quarantine_of, summary_of
from tests.support.processes import wait_until
from tests.support.proxy import Cut, Fault, Response, S3Proxy

pytestmark = pytest.mark.usefixtures("spark", "stopped_leases")

BUSY = 7
LEASE = 4.0
# The lease of a run that never renews it.
SHORT = 1.0
FINGERPRINT = {"identity": "x"}


@pytest.fixture(params=[pytest.param("disk", marks=pytest.mark.slow), "s3"])
def output(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new output on each of the two stores."""
    if request.param == "disk":
        return str(tmp_path / "out")
    return f"s3a://{request.getfixturevalue('bucket')}/out"


def tables_of_run(spark: SparkSession, output: str, run_id: str, seconds: float = SHORT) -> Tables:
    """The tables of a run that holds the lease on the output."""
    layout = Layout(output)
    lease = acquire(lease_store(spark, layout.lease), run_id, output, seconds)
    return Tables(DeltaEngine(spark), layout, run_id, lease)


def stop_renewals(tables: Tables) -> Tables:
    """Stop the renewals, as if the run's process were paused."""
    tables.lease._stopped.set()
    return tables


def resume_after_renewal(tables: Tables, patch: pytest.MonkeyPatch) -> None:
    """Resume a run that was paused right after it had renewed its lease."""
    patch.setattr(tables.lease, "renew", lambda: None)


def outcome_of(spark: SparkSession, good: str, bad: str) -> DataFrame:
    empty = dict.fromkeys(schemas.OUTCOME_SCHEMA.names)
    features = bytearray(encode_features(np.float32([0.5])))
    rows = [
        empty | {"path": good, "length": 1, "features": features},
        empty | {"path": bad, "length": 1, "reason": "truncated"},
    ]
    return spark.createDataFrame(rows, schemas.OUTCOME_SCHEMA)


def paths(table: DataFrame) -> list[str]:
    return sorted(row.path for row in table.collect())


def test_one_of_many_concurrent_writers_creates_the_object_on_s3(
    spark: SparkSession, bucket: str
) -> None:
    store = lease_store(spark, f"s3a://{bucket}/out put/_claim.json")
    assert store.read() is None
    written: list[str] = []

    def write(content: str) -> None:
        try:
            store.write(content.encode(), None)
        except ConflictError:
            return
        written.append(content)

    threads = [threading.Thread(target=write, args=(f"content {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = written
    first = store.read()
    assert first is not None
    assert first.content == winner.encode()
    second = store.write(b"second", first.etag)
    with pytest.raises(ConflictError):
        store.write(b"third", first.etag)
    version = store.read()
    assert version is not None
    assert (version.content, version.etag) == (b"second", second)


def test_a_run_on_a_leased_output_ends_as_busy_and_writes_nothing(
    spark: SparkSession, bucket: str, sample_images: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = f"s3a://{bucket}/out"
    lease = acquire(lease_store(spark, Layout(output).lease), "the-first", output, LEASE)
    arguments = ["--input", str(sample_images), "--output", output, "--run-id", "second"]
    assert main(["featurize", *arguments, "--lease-seconds", str(LEASE)]) == BUSY
    assert "run the-first on" in capfd.readouterr().err
    assert filesystem.names(spark, output) == ["_claim.json"]
    lease.release()


def test_a_renewal_with_a_lost_response_does_not_lose_the_lease(
    spark: SparkSession, bucket: str, proxy: S3Proxy
) -> None:
    """The credentials have expired too, so the request is not repeated at once."""
    tables = stop_renewals(tables_of_run(spark, f"s3a://{bucket}/out", "first"))
    tables.lease._stopped.clear()
    faults: Iterator[Fault] = iter([Cut(), Response.error(403, "AccessDenied")])
    proxy.hook = lambda request: next(faults, None) if request.kind == "PUT" else None
    try:
        with pytest.raises(Py4JJavaError):
            tables.lease.renew()
    finally:
        proxy.forward()
    tables.lease.renew()
    tables.lease.release()


def test_writes_of_a_paused_run_after_a_takeover_end_as_busy(
    spark: SparkSession, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For each kind of write, all paths stay where the other run has put them."""
    first = stop_renewals(tables_of_run(spark, output, "first"))
    first.create(FINGERPRINT)
    first.append(outcome_of(spark, good="a", bad="b"), 0, 2)
    second = tables_of_run(spark, output, "second", LEASE)
    second.fence()
    changed = outcome_of(spark, good="b", bad="a")
    second.upsert(changed, 0)
    late = outcome_of(spark, good="a", bad="c")
    writes = {
        "append": lambda: first.append(late, 1, 2),
        "merge": lambda: first.upsert(late, 1),
        "drop": lambda: first.drop(late),
        "replace": lambda: first.replace(late, 2, FINGERPRINT),
    }
    resume_after_renewal(first, monkeypatch)
    for name, write in writes.items():
        with pytest.raises(OutputBusyError, match="run second on "):
            write()
        assert list(features_of(spark, output)) == ["b"], name
        assert quarantine_of(spark, output) == {"a": "truncated"}, name
    # The other run continues, and may repeat a commit whose response was lost.
    second.upsert(changed, 0)
    second.upsert(outcome_of(spark, good="c", bad="d"), 1)
    second.drop(outcome_of(spark, good="b", bad="d"))
    assert list(features_of(spark, output)) == ["c"]
    assert quarantine_of(spark, output) == {"a": "truncated"}
    second.lease.release()


def test_a_commit_in_progress_during_a_takeover_ends_as_busy(
    spark: SparkSession, output: str, tmp_path: Path
) -> None:
    """Delta has started the commit before the other run commits anything."""
    first = tables_of_run(spark, output, "first")
    first.create(FINGERPRINT)
    reached, go_on = tmp_path / "reached", tmp_path / "go-on"
    rows = outcome_of(spark, good="a", bad="b").coalesce(1)
    slow = rows.mapInPandas(waiting_for(reached, go_on), schemas.OUTCOME_SCHEMA)
    with ThreadPoolExecutor() as threads:
        commit = partial(first.upsert, slow, 0, bad=1)
        late = threads.submit(retry, commit, StorageRetries(output))
        wait_until(reached.exists, 120)
        stop_renewals(first)
        second = tables_of_run(spark, output, "second", LEASE)
        second.fence()
        first.lease._stopped.clear()
        go_on.touch()
        with pytest.raises(OutputBusyError, match="run second on "):
            late.result()
    assert paths(second.features()) == paths(second.quarantine()) == []
    second.lease.release()


def test_tables_created_by_a_paused_run_after_a_takeover_do_not_duplicate_rows(
    spark: SparkSession, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stop_renewals(tables_of_run(spark, output, "first"))
    second = tables_of_run(spark, output, "second", LEASE)
    second.fence()
    resume_after_renewal(first, monkeypatch)
    first.create(FINGERPRINT)
    first.append(outcome_of(spark, good="a", bad="b"), 0, 2)
    with pytest.raises(FingerprintMismatchError, match="was stopped"):
        second.create({"identity": "another"})
    assert not second.create(FINGERPRINT)
    second.upsert(outcome_of(spark, good="a", bad="b"), 0)
    assert list(features_of(spark, output)) == ["a"]
    assert list(quarantine_of(spark, output)) == ["b"]
    with pytest.raises(OutputBusyError):
        first.append(outcome_of(spark, good="a", bad="b"), 1, 2)
    second.lease.release()


def test_a_command_that_writes_no_rows_fences_paused_runs_too(
    spark: SparkSession, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run finds a released lease and relies on the fence."""
    first = stop_renewals(tables_of_run(spark, output, "first"))
    first.create(FINGERPRINT)
    assert main(["compact", "--output", output, "--lease-seconds", "1"]) == 0
    resume_after_renewal(first, monkeypatch)
    with pytest.raises(OutputBusyError):
        first.append(outcome_of(spark, good="a", bad="b"), 0, 2)
    assert list(features_of(spark, output)) == []


def test_a_run_that_ends_deletes_the_staging_of_dead_runs_but_not_of_its_successor(
    spark: SparkSession, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = stop_renewals(tables_of_run(spark, output, "dead"))
    dead.create(FINGERPRINT)
    successors: list[Tables] = []
    write_summary = Run._write_summary

    def write_summary_and_lose_the_lease(run: Run, status: str) -> None:
        write_summary(run, status)
        successors.append(tables_of_run(spark, output, "next", LEASE))
        filesystem.write_bytes(spark, f"{successors[0].staging}/listing", b"of the next run")

    def compact() -> int:
        return main(["compact", "--output", output, "--lease-seconds", "1"])

    def staged() -> list[str]:
        folder = Layout(output).all_staging
        return filesystem.names(spark, folder) if filesystem.exists(spark, folder) else []

    for folder in (dead.staging, f"{Layout(output).all_staging}/of-an-earlier-release"):
        filesystem.write_bytes(spark, f"{folder}/listing", b"of a run that died")
    with monkeypatch.context() as patch:
        patch.setattr(Run, "_write_summary", write_summary_and_lose_the_lease)
        patch.setattr(Lease, "start_renewals", lambda lease: None)
        assert compact() == 0
    (successor,) = successors
    assert successor.staging.rpartition("/")[2] in staged()
    successor.lease.mark_fenced()
    successor.lease.release()
    assert compact() == 0
    assert staged() == []


def waiting_for(reached: Path, go_on: Path) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """A task that creates the file `reached` and waits for the file `go_on` before its rows."""

    def rows(batches: Iterator[Any]) -> Iterator[Any]:
        reached.touch()
        while not go_on.exists():
            time.sleep(0.1)
        yield from batches

    return rows


@contextmanager
def started(arguments: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run the command in its own process group, and kill the group at the end."""
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
def test_a_paused_driver_ends_as_busy_and_duplicates_nothing(
    spark: SparkSession, s3: LocalS3Server, bucket: str, sample_images: Path
) -> None:
    """The driver is paused until its lease has expired and another run is complete."""
    for variety in sorted(sample_images.iterdir())[:3]:
        s3.upload_folder(variety, bucket, f"images/{variety.name}/")
    output = f"s3a://{bucket}/out"
    paths = ["featurize", "--input", f"s3a://{bucket}/images", "--output", output]
    paths += ["--batch-images", "15", "--lease-seconds", str(LEASE)]
    conf = [f"--conf={key}={value}" for key, value in s3.spark_settings().items()]
    with started([*paths, "--run-id", "stopped", *conf], s3.environment()) as first:
        log = f"{output}/features/_delta_log"
        wait_until(lambda: filesystem.exists(spark, f"{log}/00000000000000000001.json"), 120)
        os.killpg(first.pid, signal.SIGSTOP)
        try:
            assert main([*paths, "--run-id", "second"]) == 0
        finally:
            os.killpg(first.pid, signal.SIGCONT)
        _, stderr = first.communicate(timeout=120)
    assert first.returncode == BUSY, stderr
    # The second run has released its lease; the message names it all the same.
    assert "run second on" in stderr
    assert len(features_of(spark, output)) == 60
    assert summary_of(spark, output, "second")["counts"]["featurized"] < 60
    assert not filesystem.exists(spark, f"{output}/runs/stopped.json")
