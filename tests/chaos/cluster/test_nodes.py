"""Executors that go with their node, one by one, or for want of memory."""

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
# As long as it takes a cluster to bring another node.
SECONDS_WITHOUT_NODE = 30


def lose_power(cluster: Cluster) -> AbstractContextManager[None]:
    return killed(spot_node(cluster))


def drain(cluster: Cluster) -> AbstractContextManager[None]:
    return drained(cluster, spot_node(cluster))


@pytest.mark.parametrize("lose", [lose_power, drain])
def test_the_node_of_all_executors_is_lost_in_the_middle(
    scene: Callable[[str], Scene],
    cluster: Cluster,
    tmp_path: Path,
    lose: Callable[[Cluster], AbstractContextManager[None]],
) -> None:
    cluster.skip_if_shared()
    here = scene(lose.__name__.replace("_", "-"))
    application = here.apply()
    _wait_until_images_are_through(cluster, application)
    with lose(cluster):
        time.sleep(SECONDS_WITHOUT_NODE)
    assert cluster.wait(application) == "COMPLETED", cluster.driver_log(application)[-3000:]
    found = here.counts(tmp_path)
    assert (found.featurized, found.lost, found.duplicated) == (IMAGES, 0, 0)


def test_executors_are_killed_at_random(
    scene: Callable[[str], Scene], cluster: Cluster, tmp_path: Path, chance: random.Random
) -> None:
    here = scene("executors-killed")
    application = here.apply()
    _wait_until_images_are_through(cluster, application)
    killed = 0
    while killed < 4 and cluster.state(application) == "RUNNING":
        time.sleep(chance.uniform(5, 15))
        if there := cluster.executors(application):
            victim = chance.choice(there)["metadata"]["name"]
            cluster.kubectl("delete", "pod", victim, "--grace-period=0", "--force", "--wait=false")
            killed += 1
    assert killed > 0
    assert cluster.wait(application) == "COMPLETED", cluster.driver_log(application)[-3000:]
    found = here.counts(tmp_path)
    assert (found.featurized, found.lost, found.duplicated) == (IMAGES, 0, 0)


def test_too_little_memory_ends_with_the_setting_to_raise(
    scene: Callable[[str], Scene], cluster: Cluster
) -> None:
    too_little = {"memory": "512m", "memoryOverhead": "500m"}
    application = scene("out-of-memory").apply(
        executor=too_little, failures={"maxTaskAttempts": 2, "maxExecutors": 4}
    )
    assert cluster.wait(application) == "FAILED"
    (container,) = cluster.get("pod", f"{application}-driver")["status"]["containerStatuses"]
    ended = container["state"]["terminated"]
    assert ended["exitCode"] == OUT_OF_MEMORY, cluster.driver_log(application)[-3000:]
    assert "raise executor.memoryOverhead" in ended["message"]


def _wait_until_images_are_through(cluster: Cluster, application: str) -> None:
    """Until a portion is at work on executors: the driver has said that it lists no more."""
    cluster.wait_for_log(application, "list:")
    until(
        lambda: "0 / 1,200" not in _last_progress(cluster, application),
        f"{application} featurizes",
        600,
    )


def _last_progress(cluster: Cluster, application: str) -> str:
    """The driver's last line on featurize; one without images until there is one."""
    lines = cluster.driver_log(application).splitlines()
    return next((line for line in reversed(lines) if "featurize:" in line), "0 / 1,200")
