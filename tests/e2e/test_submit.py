"""Runs that are submitted and followed by `image-features submit` itself."""

from __future__ import annotations

import re

from tests.e2e.cluster import Cluster
from tests.e2e.conftest import SAMPLE, SubmittedRun
from tests.e2e.submitting import RELEASE, Answer, image_features, submit

INPUT_NOT_FOUND = 3
PROGRESS = re.compile(r"\d+ / 240 images")


def test_a_run_is_followed_with_progress_to_its_end(submitted_run: SubmittedRun) -> None:
    complete = submitted_run.answer
    assert complete.returncode == 0, complete.stderr
    assert complete.stdout == f"{RELEASE}-complete\n"
    assert f"{RELEASE}-complete: COMPLETED after" in complete.stderr
    assert PROGRESS.search(complete.stderr), complete.stderr


def test_a_run_that_is_there_is_not_done_again_and_can_be_looked_at_and_deleted(
    cluster: Cluster, submitted_run: SubmittedRun
) -> None:
    name, where = submitted_run.answer.stdout.strip(), ("--namespace", cluster.namespace)
    before = cluster.get("sparkapplication", name)
    again = submit(cluster, "complete", SAMPLE, "--set", "driver.memory=2g")
    assert again.returncode == 0
    assert "exists already, nothing is submitted" in again.stderr
    after = cluster.get("sparkapplication", name)
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["status"]["submissionID"] == before["status"]["submissionID"]

    assert "COMPLETED" in image_features("status", name, *where).stdout
    assert f"{name} " in image_features("list", *where).stdout
    assert len(image_features("logs", name, "--tail", "5", *where).stdout.splitlines()) == 5

    assert f"deleted {name}" in image_features("delete", name, *where).stdout
    assert "nothing is deleted" in image_features("delete", name, *where).stdout
    assert name not in image_features("list", *where).stdout


def test_a_run_that_fails_ends_with_its_code_and_its_reason(failed_run: Answer) -> None:
    assert failed_run.returncode == INPUT_NOT_FOUND, failed_run.stderr
    last = failed_run.stderr.splitlines()[-1]
    assert last.startswith(f"image-features: {RELEASE}-nowhere has failed: ")
    assert "s3a://images/nowhere" in last
