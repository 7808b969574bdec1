"""What a run has used so far, as the driver knows it, with or without its web UI."""

from __future__ import annotations

import time
from typing import Any

from pyspark.sql import SparkSession

from job.analysis.cost.usage import Executor, Usage, usage
from job.runtime.progress import each_of


def live_usage(spark: SparkSession, images: int | None = None) -> Usage:
    """The usage of this application from its start until now.

    The store forgets executors that are gone beyond `spark.ui.retainedDeadExecutors` (100).
    """
    context = spark.sparkContext
    store: Any = context._jsc.sc().statusStore()
    executors = [_executor(each) for each in each_of(store.executorList(False))]
    started = context.startTime / 1000
    return usage(dict(context.getConf().getAll()), executors, started, time.time(), images)


def _executor(summary: Any) -> Executor:
    removed = summary.removeTime()
    return Executor(
        str(summary.id()),
        int(summary.totalCores()),
        summary.addTime().getTime() / 1000,
        removed.get().getTime() / 1000 if removed.isDefined() else None,
    )
