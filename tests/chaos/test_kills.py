"""Processes that die: workers and executors while the run goes on, the driver between two runs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pyspark
import pytest

from tests.chaos.conftest import Scene
from tests.support.job_process import job, kill_at_random
from tests.support.processes import wait_until

OUT_OF_MEMORY = 13

# What the driver says last before each stage begins.
BEGINS_AFTER = {
    "list": "check:",
    "featurize": "list:",
    "account": "featurize:",
    "fit": "account:",
    "project": "fit:",
    "export": "project:",
    "report": "export:",
}


@pytest.mark.selection
def test_python_workers_are_killed(scene: Callable[..., Scene], chance: random.Random) -> None:
    here = scene(copies=5)
    environment = here.server.environment()
    with job(*here.arguments("featurize"), environment=environment) as running:
        running.wait_for("featurize:")
        assert kill_at_random(running, running.workers, 3, chance, 2.0) > 0
        assert running.end() == 0, running.told()[-3000:]
    found = here.counts()
    assert (found.featurized, found.lost, found.duplicated) == (1200, 0, 0)


def test_workers_that_die_each_time_end_the_run_with_the_setting_to_raise(
    scene: Callable[..., Scene],
) -> None:
    here = scene(1)
    with job(*here.arguments("featurize"), environment=here.server.environment()) as running:
        running.wait_for("list:")
        while running.process.poll() is None:
            for worker in running.workers():
                worker.kill()
            time.sleep(0.2)
        assert running.end() == OUT_OF_MEMORY, running.told()[-3000:]
        assert "raise executor.memoryOverhead" in running.told().strip().splitlines()[-1]


def test_a_driver_whose_jvm_dies_says_so_in_one_line(scene: Callable[..., Scene]) -> None:
    here = scene(1)
    with job(*here.arguments("featurize"), environment=here.server.environment()) as running:
        running.wait_for("list:")
        (jvm,) = running.children("SparkSubmit")
        jvm.kill()
        assert running.end() == OUT_OF_MEMORY, running.told()[-3000:]
        assert "Traceback" not in running.told()
        assert "raise driver.memoryOverhead" in running.told().strip().splitlines()[-1]


@pytest.mark.parametrize("kills", range(7))
def test_executors_are_killed(
    scene: Callable[..., Scene], chance: random.Random, kills: int
) -> None:
    """Each executor is a process of its own, as on a cluster; another one takes its place."""
    here = scene(copies=5)
    environment = here.server.environment() | {"SPARK_HOME": str(Path(pyspark.__file__).parent)}
    cluster = ["--master", "local-cluster[2,1,1024]", "--conf=spark.executor.memory=1g"]
    # On a machine without a cluster manager nobody counts how often is too often.
    cluster += ["--conf=spark.task.maxFailures=20", "--conf=spark.deploy.maxExecutorRetries=-1"]
    with job(*here.arguments("featurize", *cluster), environment=environment) as running:
        running.wait_for("featurize:")
        assert kill_at_random(running, running.executors, 3, chance, 4.0) > 0
        assert running.end() == 0, running.told()[-3000:]
    found = here.counts()
    assert (found.featurized, found.lost, found.duplicated) == (1200, 0, 0)


def test_the_driver_is_killed_in_each_stage_and_run_again(
    scene: Callable[..., Scene], chance: random.Random
) -> None:
    here = scene(6)
    environment = here.server.environment()
    run = here.arguments("run", "--batch-images", "40", "--refit")
    for before in BEGINS_AFTER.values():
        with job(*run, environment=environment) as running:
            running.wait_for(before)
            time.sleep(chance.uniform(0.0, 1.0))
            running.kill()
    with job(*run, environment=environment) as running:
        assert running.end() == 0, running.told()[-3000:]
    found = here.counts()
    assert (found.featurized, found.lost, found.duplicated) == (120, 0, 0)
    # Killed at the begin of featurize and in the middle of it: one portion, then at most the two of
    # which one is committed while the other is under way.
    assert found.twice <= 3 * 40


@pytest.mark.selection
def test_a_driver_killed_between_portions_loses_two_at_most(
    scene: Callable[..., Scene], chance: random.Random
) -> None:
    here = scene(6)
    environment = here.server.environment()
    featurize = here.arguments("featurize", "--batch-images", "20")
    with job(*featurize, environment=environment) as running:
        running.wait_for("list:")
        log = f"{here.bucket}/out/features/_delta_log/00000000000000000002.json".split("/", 1)[1]
        wait_until(lambda: _is_there(here, log), 120)
        time.sleep(chance.uniform(0.0, 1.0))
        running.kill()
    with job(*featurize, environment=environment) as running:
        assert running.end() == 0, running.told()[-3000:]
    found = here.counts()
    assert (found.featurized, found.lost, found.duplicated) == (120, 0, 0)
    # One is committed while the other is under way. Sizes vary: which image is where is a hash's.
    assert found.twice <= 3 * 20


def _is_there(here: Scene, key: str) -> bool:
    listed = here.server.client().list_objects_v2(Bucket=here.bucket, Prefix=key)
    return bool(listed.get("KeyCount"))


@pytest.mark.parametrize("reader", ["concurrent", "s3a"])
def test_speculative_copies_of_tasks_duplicate_nothing(
    scene: Callable[..., Scene], reader: str
) -> None:
    here = scene()
    speculation = {
        "spark.speculation": "true",
        "spark.speculation.multiplier": "1.01",
        "spark.speculation.quantile": "0.1",
        "spark.speculation.interval": "50ms",
        "spark.speculation.minTaskRuntime": "1ms",
    }
    conf = [f"--conf={key}={value}" for key, value in speculation.items()]
    arguments = here.arguments("featurize", "--reader", reader, "--batch-images", "60", *conf)
    with job(*arguments, environment=here.server.environment()) as running:
        assert running.end() == 0, running.told()[-3000:]
    found = here.counts()
    assert (found.featurized, found.lost, found.duplicated) == (240, 0, 0)
