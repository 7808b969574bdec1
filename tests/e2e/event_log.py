"""Spark's event log of a finished application: its executors and the tasks that they did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

Event = dict[str, Any]


def events(folder: Path) -> Iterator[Event]:
    """The events, in order."""
    for path in sorted(folder.rglob("events_*")):
        with pa.input_stream(str(path), compression="zstd") as stream:
            for line in stream.read().decode().splitlines():
                yield json.loads(line)


def executors_over_time(folder: Path) -> list[int]:
    """How many executors there were, after each one that came or went while tasks could come."""
    counts: list[int] = []
    there: set[str] = set()
    for event in events(folder):
        # One that goes is told of more than once.
        if event["Event"] == "SparkListenerExecutorAdded":
            there.add(event["Executor ID"])
        elif event["Event"] == "SparkListenerExecutorRemoved":
            there.discard(event["Executor ID"])
        if there and counts[-1:] != [len(there)]:
            counts.append(len(there))
        if event["Event"] == "SparkListenerApplicationEnd":
            break
    return counts


def executors_that_featurized(folder: Path) -> set[str]:
    """Ids of the executors that ended a task of the worker's function."""
    log = list(events(folder))
    stages = {event["Stage Info"]["Stage ID"] for event in log if _featurizes(event)}
    return {
        event["Task Info"]["Executor ID"]
        for event in log
        if event["Event"] == "SparkListenerTaskEnd" and event["Stage ID"] in stages
    }


def _featurizes(event: Event) -> bool:
    if event["Event"] != "SparkListenerStageCompleted":
        return False
    scopes = [rdd.get("Scope", "") + rdd.get("Name", "") for rdd in event["Stage Info"]["RDD Info"]]
    return any("MapInArrow" in scope for scope in scopes)
