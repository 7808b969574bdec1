"""Spark's event log: CPU seconds of its tasks, by what of the job they belong to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOG_SETTINGS = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
}
_CPU = "internal.metrics.executorCpuTime"
FEATURIZE = "rows from Python, first write"
COMMIT = "read again, write to the table"
LIST = "listing"
ELSE = "table logs, counts, reconcile"
# By the functions of ours that a plan runs, the last by any.
_KINDS = {"featurize(": FEATURIZE, "_decode_batches(": COMMIT, "MapInArrow": LIST}


def stage_seconds(folder: Path) -> dict[str, float]:
    """CPU seconds of the tasks' threads in Java by kind of stage; of the one log in `folder`."""
    (log,) = folder.iterdir()
    plans: dict[str, str] = {}
    kinds: dict[int, str] = {}
    seconds: dict[str, float] = defaultdict(float)
    for event in _events(log):
        name = event["Event"].rpartition(".")[2]
        if name == "SparkListenerSQLExecutionStart":
            plans[str(event["executionId"])] = event["physicalPlanDescription"]
        elif name == "SparkListenerStageSubmitted":
            execution = event["Properties"].get("spark.sql.execution.id", "")
            kinds[event["Stage Info"]["Stage ID"]] = _kind(plans.get(execution, ""))
        elif name == "SparkListenerStageCompleted":
            stage = event["Stage Info"]
            seconds[kinds[stage["Stage ID"]]] += _cpu_seconds(stage)
    return dict(seconds)


def _events(log: Path) -> Iterator[dict[str, Any]]:
    with log.open() as lines:
        yield from map(json.loads, lines)


def _kind(plan: str) -> str:
    return next((kind for words, kind in _KINDS.items() if words in plan), ELSE)


def _cpu_seconds(stage: dict[str, Any]) -> float:
    found = [each["Value"] for each in stage["Accumulables"] if each["Name"] == _CPU]
    return sum(map(int, found)) / 1e9
