"""Runs that are submitted and followed by `image-features submit` itself."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.e2e.cluster import CHART, OUTPUTS, ROOT, Cluster
from tests.e2e.conftest import SAMPLE

INPUT_NOT_FOUND = 3
RELEASE = "submit"
PROGRESS = re.compile(r"\d+ / 240 images")

Answer = subprocess.CompletedProcess[str]


def image_features(*arguments: str) -> Answer:
    """`image-features submit ...` as a person runs it; its standard error is not a terminal."""
    command = [sys.executable, "-m", "job", "submit", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=900
    )


def submit(cluster: Cluster, run_id: str, input_path: str, *more: str) -> Answer:
    """Submit one run with the values of kind, the image under test, and wait for it."""
    repository, tag = cluster.image.rsplit(":", 1)
    values = {
        "image.repository": repository,
        "image.tag": tag,
        "arguments": f"{{--input,{input_path},--output,s3a://results/{OUTPUTS}/{run_id}}}",
    }
    sets = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    command = ["kubernetes", "--values", str(CHART / "ci" / "kind.yaml"), *sets, *more]
    names = ["--release", RELEASE, "--run-id", run_id, "--namespace", cluster.namespace]
    return image_features(*command, *names, "--wait")


@pytest.fixture(scope="module")
def complete(cluster: Cluster) -> Answer:
    """The run `submit-complete`, followed to its end."""
    return submit(cluster, "complete", SAMPLE)


def test_a_run_is_followed_with_progress_to_its_end(complete: Answer) -> None:
    assert complete.returncode == 0, complete.stderr
    assert complete.stdout == f"{RELEASE}-complete\n"
    assert f"{RELEASE}-complete: COMPLETED after" in complete.stderr
    assert PROGRESS.search(complete.stderr), complete.stderr


def test_a_run_that_is_there_is_not_done_again_and_can_be_looked_at_and_deleted(
    cluster: Cluster, complete: Answer
) -> None:
    name, where = complete.stdout.strip(), ("--namespace", cluster.namespace)
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


def test_a_run_that_fails_ends_with_its_code_and_its_reason(cluster: Cluster) -> None:
    failed = submit(cluster, "nowhere", "s3a://images/nowhere")
    assert failed.returncode == INPUT_NOT_FOUND, failed.stderr
    last = failed.stderr.splitlines()[-1]
    assert last.startswith(f"image-features: {RELEASE}-nowhere has failed: ")
    assert "s3a://images/nowhere" in last
