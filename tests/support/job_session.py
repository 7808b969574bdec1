"""The job's code in a process of its own, as the user whose keys are in the environment.

Reads tasks as lines of JSON and answers each with one line: what each did is for who asks to judge.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_ANSWER = "answer: "


class JobSession:
    """A context in which tasks are done, one after another, with one Java."""

    def __init__(self, environment: Mapping[str, str], settings: Mapping[str, str]) -> None:
        self._environment, self._settings = environment, settings

    def __enter__(self) -> JobSession:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(self._settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**self._environment, "PYTHONPATH": str(ROOT)},
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def do(self, task: str, argument: Sequence[str] | str) -> Any:
        """What a task answers; RuntimeError where the process has died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([task, argument]) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith(_ANSWER):
                return json.loads(line.removeprefix(_ANSWER))
        raise RuntimeError(f"the process of the job died doing {task}")


def command(settings: Mapping[str, str], arguments: Sequence[str]) -> int:
    """One command of the job; its exit code."""
    from job.cli import main

    _session(settings)
    return main(list(arguments))


def event_log(settings: Mapping[str, str], folder: str) -> str:
    """An application that keeps its event log; empty, or why it did not start."""
    return _application(settings | {"spark.eventLog.enabled": "true", "spark.eventLog.dir": folder})


def blocks(settings: Mapping[str, str], folder: str) -> str:
    """Shuffle blocks kept beside the executors, and deleted; empty, or why they were not."""
    path = "spark.storage.decommission.fallbackStorage.path"
    cleaned = {path: folder, "spark.storage.decommission.fallbackStorage.cleanUp": "true"}
    return _application(settings | cleaned, _keep_a_shuffle)


def _keep_a_shuffle(spark: Any) -> None:
    """What an executor does that is told to go, with the blocks that it has."""
    jvm, context = spark.sparkContext._jvm, spark.sparkContext._jsc.sc()
    manager = jvm.org.apache.spark.SparkEnv.get().blockManager()
    block = manager.migratableResolver().getStoredShuffles().head()
    storage = jvm.org.apache.spark.storage.FallbackStorage(context.conf())
    storage.copy(block, manager)
    name = f"shuffle_{block.shuffleId()}_{block.mapId()}_0.index"
    if not storage.exists(block.shuffleId(), name):
        raise FileNotFoundError(name)
    block_id = jvm.org.apache.spark.storage.BlockId.apply(name.removesuffix(".index"))
    jvm.org.apache.spark.storage.FallbackStorage.read(context.conf(), block_id).size()


def _application(settings: Mapping[str, str], then: Any = lambda spark: None) -> str:
    _stop()
    try:
        spark = _session(settings)
        spark.range(100, numPartitions=2).repartition(1).count()
        then(spark)
    # What it says is judged by who asked; the next task is done all the same.
    except Exception as error:
        return str(error).strip() or type(error).__name__
    finally:
        _stop()
    return ""


def _session(settings: Mapping[str, str]) -> Any:
    from job.runtime.session import spark_session

    return spark_session("restricted", settings, master="local[2]")


def _stop() -> None:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is not None:
        active.stop()
    # A context whose start failed half way is there without a session.
    if SparkContext._active_spark_context is not None:
        SparkContext._active_spark_context.stop()


_TASKS = {"command": command, "event_log": event_log, "blocks": blocks}


def _serve(settings: dict[str, str]) -> None:
    from job.runtime import retries

    # A refusal that nobody lifts is not waited out here.
    retries.WAIT_SECONDS = 1.0
    for line in sys.stdin:
        task, argument = json.loads(line)
        answer = _TASKS[task](settings, argument)
        print(f"{_ANSWER}{json.dumps(answer)}", flush=True)
    _stop()


if __name__ == "__main__":
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    _serve(json.loads(sys.argv[1]))
