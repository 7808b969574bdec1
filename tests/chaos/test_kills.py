"""Killed processes: workers and executors during a run, the driver between two runs."""

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

# The last log line of the driver before each step.
LINE_BEFORE_STEP = {
    "list": "check:",
    "featurize": "list:",
    "reconcile": "featurize:",
    "fit": "reconcile:",
    "project": "fit:",
    "export": "project:",
    "report": "export:",
}


@pytest.mark.selection
def test_no_image_is_lost_when_python_workers_are_killed(
    make_scene: Callable[..., Scene], chance: random.Random
) -> None:
    scene = make_scene(copies=5)
    environment = scene.server.environment()
    with job(*scene.arguments("featurize"), environment=environment) as running:
        running.wait_for("featurize:")
        assert kill_at_random(running, running.workers, 3, chance, 2.0) > 0
        assert running.end() == 0, running.output()[-3000:]
    counts = scene.counts()
    assert (counts.featurized, counts.lost, counts.duplicated) == (1200, 0, 0)


def test_workers_that_always_die_end_the_run_with_the_setting_to_raise(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(1)
    with job(*scene.arguments("featurize"), environment=scene.server.environment()) as running:
        running.wait_for("list:")
        while running.process.poll() is None:
            for worker in running.workers():
                worker.kill()
            time.sleep(0.2)
        assert running.end() == OUT_OF_MEMORY, running.output()[-3000:]
        assert "raise executor.memoryOverhead" in running.output().strip().splitlines()[-1]


def test_a_driver_without_its_jvm_ends_with_one_line(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(1)
    with job(*scene.arguments("featurize"), environment=scene.server.environment()) as running:
        running.wait_for("list:")
        (jvm,) = running.children("SparkSubmit")
        jvm.kill()
        assert running.end() == OUT_OF_MEMORY, running.output()[-3000:]
        assert "Traceback" not in running.output()
        assert "raise driver.memoryOverhead" in running.output().strip().splitlines()[-1]


@pytest.mark.parametrize("kills", range(7))
def test_no_image_is_lost_when_executors_are_killed(
    make_scene: Callable[..., Scene], chance: random.Random, kills: int
) -> None:
    """Executors are separate processes, as on a cluster; Spark replaces a killed one."""
    scene = make_scene(copies=5)
    environment = scene.server.environment() | {"SPARK_HOME": str(Path(pyspark.__file__).parent)}
    cluster = ["--master", "local-cluster[2,1,1024]", "--conf=spark.executor.memory=1g"]
    # Raised limits: Spark must not give up because of the kills.
    cluster += ["--conf=spark.task.maxFailures=20", "--conf=spark.deploy.maxExecutorRetries=-1"]
    with job(*scene.arguments("featurize", *cluster), environment=environment) as running:
        running.wait_for("featurize:")
        assert kill_at_random(running, running.executors, 3, chance, 4.0) > 0
        assert running.end() == 0, running.output()[-3000:]
    counts = scene.counts()
    assert (counts.featurized, counts.lost, counts.duplicated) == (1200, 0, 0)


def test_no_image_is_lost_when_the_driver_is_killed_in_each_step(
    make_scene: Callable[..., Scene], chance: random.Random
) -> None:
    scene = make_scene(6)
    environment = scene.server.environment()
    run = scene.arguments("run", "--batch-images", "40", "--refit")
    for before in LINE_BEFORE_STEP.values():
        with job(*run, environment=environment) as running:
            running.wait_for(before)
            time.sleep(chance.uniform(0.0, 1.0))
            running.kill()
    with job(*run, environment=environment) as running:
        assert running.end() == 0, running.output()[-3000:]
    counts = scene.counts()
    assert (counts.featurized, counts.lost, counts.duplicated) == (120, 0, 0)
    # A kill at the start of featurize loses one batch. A kill in the middle loses at most two: one
    # is committed while the other is computed.
    assert counts.twice <= 3 * 40


@pytest.mark.selection
def test_a_driver_killed_between_batches_loses_at_most_two(
    make_scene: Callable[..., Scene], chance: random.Random
) -> None:
    scene = make_scene(6)
    environment = scene.server.environment()
    featurize = scene.arguments("featurize", "--batch-images", "20")
    with job(*featurize, environment=environment) as running:
        running.wait_for("list:")
        log = f"{scene.bucket}/out/features/_delta_log/00000000000000000002.json".split("/", 1)[1]
        wait_until(lambda: _exists(scene, log), 120)
        time.sleep(chance.uniform(0.0, 1.0))
        running.kill()
    with job(*featurize, environment=environment) as running:
        assert running.end() == 0, running.output()[-3000:]
    counts = scene.counts()
    assert (counts.featurized, counts.lost, counts.duplicated) == (120, 0, 0)
    # One batch is committed while the other is computed. Their sizes vary with the hashes of paths.
    assert counts.twice <= 3 * 20


def _exists(scene: Scene, key: str) -> bool:
    listed = scene.server.client().list_objects_v2(Bucket=scene.bucket, Prefix=key)
    return bool(listed.get("KeyCount"))


@pytest.mark.parametrize("reader", ["concurrent", "s3a"])
def test_speculative_tasks_duplicate_no_image(
    make_scene: Callable[..., Scene], reader: str
) -> None:
    scene = make_scene()
    speculation = {
        "spark.speculation": "true",
        "spark.speculation.multiplier": "1.01",
        "spark.speculation.quantile": "0.1",
        "spark.speculation.interval": "50ms",
        "spark.speculation.minTaskRuntime": "1ms",
    }
    conf = [f"--conf={key}={value}" for key, value in speculation.items()]
    arguments = scene.arguments("featurize", "--reader", reader, "--batch-images", "60", *conf)
    with job(*arguments, environment=scene.server.environment()) as running:
        assert running.end() == 0, running.output()[-3000:]
    counts = scene.counts()
    assert (counts.featurized, counts.lost, counts.duplicated) == (240, 0, 0)
