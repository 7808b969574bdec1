"""A run on a cluster: plain `kubectl apply`, its outputs, its executors, its requests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.cluster import OUTPUTS, Cluster
from tests.e2e.conftest import Rows, SubmittedRun, WatchedRun, features_of
from tests.e2e.event_log import executors_over_time, executors_that_featurized

IMAGES = 240


def assert_same_features(ours: Rows, theirs: Rows) -> None:
    assert ours.keys() == theirs.keys()
    for image, features in ours.items():
        np.testing.assert_allclose(features, theirs[image], atol=1e-5)


def test_a_run_completes_although_an_executor_is_evicted(
    watched_run: WatchedRun, local_features: Rows
) -> None:
    assert watched_run.state == "COMPLETED"
    assert_same_features(features_of(watched_run.output), local_features)


def test_a_run_with_the_s3a_reader_gives_the_same_features(
    submitted_run: SubmittedRun, local_features: Rows
) -> None:
    assert submitted_run.answer.returncode == 0, submitted_run.answer.stderr
    assert_same_features(features_of(submitted_run.output), local_features)


def test_an_evicted_executor_is_decommissioned(watched_run: WatchedRun) -> None:
    assert "Decommission" in watched_run.evicted_log


def test_images_are_fetched_once_by_executors(cluster: Cluster, watched_run: WatchedRun) -> None:
    gets = [
        request
        for request in cluster.s3_requests(watched_run.started, watched_run.ended)
        if request.method == "GET" and request.path.startswith("/images/sample/")
    ]
    assert {get.address for get in gets} <= watched_run.executor_addresses
    # What the evicted executor was at work on is fetched again.
    again = len(gets) - len({get.path for get in gets})
    assert len({get.path for get in gets}) == IMAGES
    assert again <= IMAGES / 2


def test_an_undisturbed_run_fetches_each_image_once(
    cluster: Cluster, submitted_run: SubmittedRun
) -> None:
    """The s3a reader asks for each image with one GET, and so does the concurrent one."""
    gets = [
        request
        for request in cluster.s3_requests(submitted_run.started, submitted_run.ended)
        if request.method == "GET" and request.path.startswith("/images/sample/")
    ]
    assert IMAGES <= len(gets) <= 1.05 * IMAGES


def test_commits_copy_nothing(cluster: Cluster, watched_run: WatchedRun) -> None:
    output = f"/results/{OUTPUTS}/watched/"
    copied = {
        request.path.removeprefix(output)
        for request in cluster.s3_requests(watched_run.started, watched_run.ended)
        if request.copy_source != "-" and request.path.startswith(output)
    }
    # The CSV is written by one task, and then gets its name.
    assert copied == {"final_features.csv"}


def test_exports_are_committed_by_the_magic_committer(watched_run: WatchedRun) -> None:
    success = json.loads((watched_run.output / "projection" / "_SUCCESS").read_text())
    assert success["committer"] == "magic"


def test_featurize_tasks_ran_on_two_executors(
    cluster: Cluster, watched_run: WatchedRun, tmp_path: Path
) -> None:
    identity = cluster.get("sparkapplication", watched_run.application)["status"]
    folder = f"event-logs/eventlog_v2_{identity['sparkApplicationId']}"
    log = cluster.fetch("results", folder, tmp_path)
    assert max(executors_over_time(log)) >= 2
    assert len(executors_that_featurized(log)) >= 2


@pytest.mark.parametrize("role", ["driver", "executor"])
def test_pods_run_where_they_may_be_lost_or_not(watched_run: WatchedRun, role: str) -> None:
    nodes = {
        pod["spec"]["nodeSelector"]["capacity-type"]
        for pod in watched_run.pods
        if pod["metadata"]["labels"]["spark-role"] == role
    }
    assert nodes == {"on-demand" if role == "driver" else "spot"}
