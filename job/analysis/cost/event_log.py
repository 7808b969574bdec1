"""Spark's event log of an application, to what the application used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from job.analysis.cost.usage import Executor, Usage, slots, usage
from job.errors import InvalidValueError
from job.runtime.metrics import FEATURIZE_NODE, ROWS_OUT

Event = dict[str, Any]
_SQL = "org.apache.spark.sql.execution.ui.SparkListenerSQL"
_PLANS = (f"{_SQL}ExecutionStart", f"{_SQL}AdaptiveExecutionUpdate")


def usage_of_log(lines: Iterable[bytes], *, in_progress: bool = False) -> Usage:
    """What the application of an event log used; of an unfinished log, up to its last event.

    Raises InvalidValueError for what is no event log.
    """
    seen = _Seen()
    for event in _events(lines, in_progress=in_progress):
        seen.see(event)
    return seen.usage()


def _events(lines: Iterable[bytes], *, in_progress: bool) -> Iterator[Event]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError as error:
            # Who writes was cut off, or has not come further yet.
            if in_progress:
                return
            raise _no_event_log(f"a line of it is no JSON: {error}") from error


@dataclass(frozen=True)
class _Task:
    """One that ended: times in seconds, `rows` that left nodes of its plan by their counters."""

    executor: str
    launched: float
    seconds: float
    rows: dict[int, int]

    def images(self, counters: set[int]) -> int:
        return sum(self.rows.get(counter, 0) for counter in counters)


@dataclass
class _Seen:
    """What the events so far have told."""

    started: float | None = None
    ended: float | None = None
    latest: float = 0.0
    settings: dict[str, str] = field(default_factory=dict)
    executors: dict[str, Executor] = field(default_factory=dict)
    counters: set[int] = field(default_factory=set)
    tasks: list[_Task] = field(default_factory=list)

    def see(self, event: Event) -> None:
        at = event.get("Timestamp", event.get("Task Info", {}).get("Finish Time", 0)) / 1000
        self.latest = max(self.latest, at)
        match event.get("Event"):
            case "SparkListenerApplicationStart":
                self.started = at
            case "SparkListenerApplicationEnd":
                self.ended = at
            case "SparkListenerEnvironmentUpdate":
                self.settings.update(event["Spark Properties"])
            case "SparkListenerExecutorAdded":
                self._add(event, at)
            case "SparkListenerExecutorRemoved":
                self._remove(event["Executor ID"], at)
            case "SparkListenerTaskEnd":
                self._keep(event["Task Info"], at)
            case plan if plan in _PLANS:
                self.counters |= set(_counters(event["sparkPlanInfo"]))

    def usage(self) -> Usage:
        if self.started is None:
            raise _no_event_log("no application starts in it")
        ended = self.latest if self.ended is None else self.ended
        tasks = [task for task in self.tasks if task.images(self.counters)]
        images = sum(task.images(self.counters) for task in tasks)
        an_image = self._seconds_an_image(tasks) if tasks else None
        found = self.executors.values()
        return usage(self.settings, found, self.started, ended, images or None, an_image)

    def _seconds_an_image(self, tasks: list[_Task]) -> float:
        # The first tasks of an executor start TensorFlow and find Java uncompiled.
        cold = {each.identity: slots(self.settings, each) for each in self.executors.values()}
        warm = []
        for task in sorted(tasks, key=lambda task: task.launched):
            if cold.get(task.executor):
                cold[task.executor] -= 1
            else:
                warm.append(task)
        counted = warm or tasks
        images = sum(task.images(self.counters) for task in counted)
        return sum(task.seconds for task in counted) / images

    def _add(self, event: Event, at: float) -> None:
        info, identity = event["Executor Info"], event["Executor ID"]
        # The pod is asked for, its image pulled and its JVM started, before it registers.
        added = info.get("Request Time", at * 1000) / 1000
        self.executors[identity] = Executor(identity, info["Total Cores"], added)

    def _remove(self, identity: str, at: float) -> None:
        # One that goes may be told of more than once; the first time counts.
        known = self.executors.get(identity)
        if known is not None and known.removed is None:
            self.executors[identity] = Executor(identity, known.cores, known.added, at)

    def _keep(self, info: Event, at: float) -> None:
        rows = {
            each["ID"]: int(each.get("Update") or 0)
            for each in info.get("Accumulables", [])
            if each.get("Name") == ROWS_OUT
        }
        if rows:
            launched = info["Launch Time"] / 1000
            self.tasks.append(_Task(info["Executor ID"], launched, at - launched, rows))


def _counters(plan: Event) -> Iterator[int]:
    """The accumulators that count what leaves the network, in a plan and below it."""
    if plan["simpleString"].startswith(FEATURIZE_NODE):
        metrics = (each for each in plan["metrics"] if each["name"] == ROWS_OUT)
        yield from (each["accumulatorId"] for each in metrics)
    for child in plan["children"]:
        yield from _counters(child)


def _no_event_log(why: str) -> InvalidValueError:
    return InvalidValueError(
        f"this is no event log: {why}",
        expected="a file that Spark wrote to spark.eventLog.dir, or its folder",
        fix="name one application's file or its eventlog_v2_ folder",
    )
