"""Runs tasks of the job in a separate process, as the user whose keys are in the environment.

The process reads tasks as lines of JSON, and answers each with one line; the caller judges the
result.
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
    """A context that runs tasks one after the other, in one JVM."""

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
        """Run a task; returns its answer. Raises RuntimeError if the process has died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([task, argument]) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith(_ANSWER):
                return json.loads(line.removeprefix(_ANSWER))
        raise RuntimeError(f"the process of the job died doing {task}")


def command(settings: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Run a command of the job; returns its exit code."""
    from job.cli import main

    _session(settings)
    return main(list(arguments))


def event_log(settings: Mapping[str, str], folder: str) -> str:
    """Run an application with an event log; returns the error, if any."""
    return _application(settings | {"spark.eventLog.enabled": "true", "spark.eventLog.dir": folder})


def blocks(settings: Mapping[str, str], folder: str) -> str:
    """Store shuffle blocks in the fallback storage, then delete them; returns the error, if any."""
    path = "spark.storage.decommission.fallbackStorage.path"
    clean_up = {path: folder, "spark.storage.decommission.fallbackStorage.cleanUp": "true"}
    return _application(settings | clean_up, _store_a_shuffle)


def _store_a_shuffle(spark: Any) -> None:
    """Copy shuffle blocks to the fallback storage, as a decommissioned executor does."""
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
    # The caller judges the error, and the next task must run.
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
    # A context that failed to start has no session.
    if SparkContext._active_spark_context is not None:
        SparkContext._active_spark_context.stop()


_TASKS = {"command": command, "event_log": event_log, "blocks": blocks}


def _serve(settings: dict[str, str]) -> None:
    from job.runtime import retries

    # Denied access stays denied here: long retries would only take time.
    retries.WAIT_SECONDS = 1.0
    for line in sys.stdin:
        task, argument = json.loads(line)
        answer = _TASKS[task](settings, argument)
        print(f"{_ANSWER}{json.dumps(answer)}", flush=True)
    _stop()


if __name__ == "__main__":
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    _serve(json.loads(sys.argv[1]))
