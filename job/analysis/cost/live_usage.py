"""The usage of the running application so far, from the driver's status store."""

from __future__ import annotations

import time
from typing import Any

from pyspark.sql import SparkSession

from job.analysis.cost.usage import Executor, Usage, compute_usage
from job.runtime.progress import scala_items


def live_usage(spark: SparkSession, images: int | None = None) -> Usage:
    """The usage of this application from its start until now.

    The store keeps only `spark.ui.retainedDeadExecutors` (100) removed executors.
    """
    context = spark.sparkContext
    store: Any = context._jsc.sc().statusStore()
    executors = [_executor(summary) for summary in scala_items(store.executorList(False))]
    started = context.startTime / 1000
    settings = dict(context.getConf().getAll())
    return compute_usage(settings, executors, started, time.time(), images)


def _executor(summary: Any) -> Executor:
    removed = summary.removeTime()
    return Executor(
        str(summary.id()),
        int(summary.totalCores()),
        summary.addTime().getTime() / 1000,
        removed.get().getTime() / 1000 if removed.isDefined() else None,
    )
