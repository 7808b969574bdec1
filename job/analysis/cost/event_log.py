"""Reads the resource compute_usage of a Spark application from its event log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from job.analysis.cost.usage import Executor, Usage, compute_usage, task_slots
from job.errors import InvalidValueError
from job.runtime.metrics import FEATURIZE_NODE, ROWS_OUT

Event = dict[str, Any]
_SQL = "org.apache.spark.sql.execution.ui.SparkListenerSQL"
_PLANS = (f"{_SQL}ExecutionStart", f"{_SQL}AdaptiveExecutionUpdate")


def usage_from_log(lines: Iterable[bytes], *, in_progress: bool = False) -> Usage:
    """The usage of the application of an event log; of an unfinished log, up to its last event.

    Raises InvalidValueError for anything but an event log.
    """
    state = _LogState()
    for event in _parse_events(lines, in_progress=in_progress):
        state.update(event)
    return state.usage()


def _parse_events(lines: Iterable[bytes], *, in_progress: bool) -> Iterator[Event]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError as error:
            # The last line may be incomplete while Spark writes, or after a crash.
            if in_progress:
                return
            raise _not_an_event_log(f"a line is not JSON: {error}") from error


@dataclass(frozen=True)
class _Task:
    """A finished task: times in seconds; `rows` has the output rows of plan nodes by counter."""

    executor: str
    launched: float
    seconds: float
    rows: dict[int, int]

    def images(self, counters: set[int]) -> int:
        return sum(self.rows.get(counter, 0) for counter in counters)


@dataclass
class _LogState:
    """The state after the events so far."""

    started: float | None = None
    ended: float | None = None
    latest: float = 0.0
    settings: dict[str, str] = field(default_factory=dict)
    executors: dict[str, Executor] = field(default_factory=dict)
    counters: set[int] = field(default_factory=set)
    tasks: list[_Task] = field(default_factory=list)

    def update(self, event: Event) -> None:
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
                self._add_executor(event, at)
            case "SparkListenerExecutorRemoved":
                self._remove_executor(event["Executor ID"], at)
            case "SparkListenerTaskEnd":
                self._add_task(event["Task Info"], at)
            case plan if plan in _PLANS:
                self.counters |= set(_counters(event["sparkPlanInfo"]))

    def usage(self) -> Usage:
        if self.started is None:
            raise _not_an_event_log("it has no start of an application")
        ended = self.latest if self.ended is None else self.ended
        tasks = [task for task in self.tasks if task.images(self.counters)]
        images = sum(task.images(self.counters) for task in tasks)
        seconds_per_image = self._seconds_per_image(tasks) if tasks else None
        return compute_usage(
            self.settings,
            self.executors.values(),
            self.started,
            ended,
            images or None,
            seconds_per_image,
        )

    def _seconds_per_image(self, tasks: list[_Task]) -> float:
        # The first tasks of an executor start TensorFlow and run Java code before it is compiled.
        cold = {
            executor.executor_id: task_slots(self.settings, executor)
            for executor in self.executors.values()
        }
        warm = []
        for task in sorted(tasks, key=lambda task: task.launched):
            if cold.get(task.executor):
                cold[task.executor] -= 1
            else:
                warm.append(task)
        measured = warm or tasks
        images = sum(task.images(self.counters) for task in measured)
        return sum(task.seconds for task in measured) / images

    def _add_executor(self, event: Event, at: float) -> None:
        info, executor_id = event["Executor Info"], event["Executor ID"]
        # Counts from the request: the pod exists before its executor registers.
        added = info.get("Request Time", at * 1000) / 1000
        self.executors[executor_id] = Executor(executor_id, info["Total Cores"], added)

    def _remove_executor(self, executor_id: str, at: float) -> None:
        # Spark may log a removal more than once; the first one counts.
        executor = self.executors.get(executor_id)
        if executor is not None and executor.removed is None:
            self.executors[executor_id] = replace(executor, removed=at)

    def _add_task(self, info: Event, at: float) -> None:
        rows = {
            accumulable["ID"]: int(accumulable.get("Update") or 0)
            for accumulable in info.get("Accumulables", [])
            if accumulable.get("Name") == ROWS_OUT
        }
        if rows:
            launched = info["Launch Time"] / 1000
            self.tasks.append(_Task(info["Executor ID"], launched, at - launched, rows))


def _counters(plan: Event) -> Iterator[int]:
    """The accumulators that count featurized images, in a plan node and its children."""
    if plan["simpleString"].startswith(FEATURIZE_NODE):
        metrics = (metric for metric in plan["metrics"] if metric["name"] == ROWS_OUT)
        yield from (metric["accumulatorId"] for metric in metrics)
    for child in plan["children"]:
        yield from _counters(child)


def _not_an_event_log(reason: str) -> InvalidValueError:
    return InvalidValueError(
        f"this is not an event log: {reason}",
        expected="a file that Spark wrote to spark.eventLog.dir, or its folder",
        fix="pass the file of one application, or its eventlog_v2_ folder",
    )
