"""Executors that are lost with their node, one by one, or because of too little memory."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.chaos.cluster.scene import Scene, drained, killed, spot_node
from tests.e2e.cluster import Cluster, until

IMAGES = 1200
OUT_OF_MEMORY = 13
# The time in which a cluster replaces a node.
SECONDS_WITHOUT_NODE = 30


def lose_power(cluster: Cluster) -> AbstractContextManager[None]:
    return killed(spot_node(cluster))


def drain(cluster: Cluster) -> AbstractContextManager[None]:
    return drained(cluster, spot_node(cluster))


@pytest.mark.parametrize("lose", [lose_power, drain])
def test_no_image_is_lost_with_the_node_of_all_executors(
    make_scene: Callable[[str], Scene],
    cluster: Cluster,
    tmp_path: Path,
    lose: Callable[[Cluster], AbstractContextManager[None]],
) -> None:
    cluster.skip_if_shared()
    scene = make_scene(lose.__name__.replace("_", "-"))
    application = scene.apply()
    _wait_until_images_are_through(cluster, application)
    with lose(cluster):
        time.sleep(SECONDS_WITHOUT_NODE)
    assert cluster.wait(application) == "COMPLETED", cluster.driver_log(application)[-3000:]
    counts = scene.counts(tmp_path)
    assert (counts.featurized, counts.lost, counts.duplicated) == (IMAGES, 0, 0)


def test_no_image_is_lost_when_executors_are_killed(
    make_scene: Callable[[str], Scene], cluster: Cluster, tmp_path: Path, chance: random.Random
) -> None:
    scene = make_scene("executors-killed")
    application = scene.apply()
    _wait_until_images_are_through(cluster, application)
    killed = 0
    while killed < 4 and cluster.state(application) == "RUNNING":
        time.sleep(chance.uniform(5, 15))
        if executors := cluster.executors(application):
            victim = chance.choice(executors)["metadata"]["name"]
            cluster.kubectl("delete", "pod", victim, "--grace-period=0", "--force", "--wait=false")
            killed += 1
    assert killed > 0
    assert cluster.wait(application) == "COMPLETED", cluster.driver_log(application)[-3000:]
    counts = scene.counts(tmp_path)
    assert (counts.featurized, counts.lost, counts.duplicated) == (IMAGES, 0, 0)


def test_too_little_memory_ends_the_run_with_the_setting_to_raise(
    make_scene: Callable[[str], Scene], cluster: Cluster
) -> None:
    too_little = {"memory": "512m", "memoryOverhead": "500m"}
    application = make_scene("out-of-memory").apply(
        executor=too_little, failures={"maxTaskAttempts": 2, "maxExecutors": 4}
    )
    assert cluster.wait(application) == "FAILED"
    (container,) = cluster.get("pod", f"{application}-driver")["status"]["containerStatuses"]
    ended = container["state"]["terminated"]
    assert ended["exitCode"] == OUT_OF_MEMORY, cluster.driver_log(application)[-3000:]
    assert "raise executor.memoryOverhead" in ended["message"]


def _wait_until_images_are_through(cluster: Cluster, application: str) -> None:
    """Wait until executors have featurized images of the first batch."""
    cluster.wait_for_log(application, "list:")
    until(
        lambda: "0 / 1,200" not in _last_progress(cluster, application),
        f"{application} featurizes",
        600,
    )


def _last_progress(cluster: Cluster, application: str) -> str:
    """The last progress line of featurize in the driver's log; without a line, 0 images."""
    lines = cluster.driver_log(application).splitlines()
    return next((line for line in reversed(lines) if "featurize:" in line), "0 / 1,200")
