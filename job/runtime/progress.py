"""Measures the steps of a run and shows their progress, with row counts from Spark."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import SparkSession

from job.display import Display, ProgressUpdate, display_for
from job.runtime.metrics import ROWS_OUT


@dataclass
class Steps:
    """The steps of one run, one after the other; `seconds` has the duration of each.

    `before` is called before each step, and may raise.
    """

    display: Display = field(default_factory=lambda: display_for(sys.stderr))
    seconds: dict[str, float] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None

    @contextmanager
    def step(
        self,
        name: str,
        *,
        unit: str = "images",
        total: int | None = None,
        done: Callable[[], int] = lambda: 0,
    ) -> Iterator[None]:
        """Show `done()` of `total` until the block ends; another thread calls `done`."""
        self.before()
        started = time.monotonic()
        ended = threading.Event()

        def current() -> ProgressUpdate:
            return ProgressUpdate(name, unit, done(), total, time.monotonic() - started)

        def watch() -> None:
            while not ended.wait(self.display.interval):
                self.display.show(current())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        complete = False
        try:
            yield
            complete = True
        finally:
            ended.set()
            watcher.join()
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started
            self.display.print_line(_result_line(name, unit, total, self.seconds[name], complete))


def _result_line(name: str, unit: str, total: int | None, seconds: float, complete: bool) -> str:
    if not complete:
        return f"{name}: stopped after {seconds:.1f} s"
    count = f"{total:,} {unit}, " if total is not None else ""
    return f"{name}: {count}{seconds:.1f} s"


class RowCounter:
    """Counts the output rows of one plan node, such as `MapInArrow featurize`, in all executions.

    Finished tasks are too coarse a measure: a task may run for a minute. Running tasks send SQL
    metrics to the driver with each heartbeat, and the status store keeps them without a web UI.
    """

    # Number of executions to look at: older ones have ended, and are counted.
    _RECENT = 50

    def __init__(self, spark: SparkSession, node: str) -> None:
        self._store: Any = spark._jsparkSession.sharedState().statusStore()
        self._node = node
        self._rows: dict[int, int] = {}
        self._settled: set[int] = set()
        self._settled.update(execution.executionId() for execution in self._recent())

    def __call__(self) -> int:
        """Rows so far, in the executions that began after this object was created."""
        for execution in self._recent():
            execution_id = execution.executionId()
            if execution_id not in self._settled:
                ended = execution.completionTime().isDefined()
                self._rows[execution_id] = self._count_rows(execution_id)
                if ended:
                    self._settled.add(execution_id)
        return sum(self._rows.values())

    def _recent(self) -> Iterator[Any]:
        first = max(int(self._store.executionsCount()) - self._RECENT, 0)
        return scala_items(self._store.executionsList(first, self._RECENT))

    def _count_rows(self, execution_id: int) -> int:
        metrics = self._store.executionMetrics(execution_id)
        return sum(
            _number(metrics.get(metric.accumulatorId()))
            for node in scala_items(self._store.planGraph(execution_id).allNodes())
            if node.desc().startswith(self._node)
            for metric in scala_items(node.metrics())
            if metric.name() == ROWS_OUT
        )


def scala_items(scala_sequence: Any) -> Iterator[Any]:
    """The elements of a Scala sequence."""
    return (scala_sequence.apply(index) for index in range(scala_sequence.size()))


def _number(metric: Any) -> int:
    if metric.isEmpty():
        return 0
    return int(str(metric.get()).replace(",", ""))
