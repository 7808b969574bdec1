"""Progress as an annotation of the driver's own pod: a watcher finds it without reading logs."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.sql import SparkSession

from job.display import PROGRESS_ANNOTATION, Display, ProgressUpdate


def with_pod_progress(display: Display, spark: SparkSession) -> Display:
    """`display`, and in a pod that knows its name (POD_NAME, POD_NAMESPACE) the annotation too."""
    name, namespace = os.environ.get("POD_NAME"), os.environ.get("POD_NAMESPACE")
    if not name or not namespace:
        return display
    return PodProgress(display, spark, name, namespace)


@dataclass
class PodProgress:
    """Shows ticks on `display` and as JSON in the pod's annotation; that is no reason to fail."""

    display: Display
    spark: SparkSession
    name: str
    namespace: str
    interval: float = field(init=False)
    _refused: bool = False

    def __post_init__(self) -> None:
        self.interval = self.display.interval

    def show(self, tick: ProgressUpdate) -> None:
        self.display.show(tick)
        if self._refused:
            return
        try:
            self._annotate(progress_json(tick))
        except Py4JError as error:
            self._refused = True
            print(f"no progress on the pod: {_reason(error)}", file=sys.stderr, flush=True)

    def print_line(self, text: str) -> None:
        self.display.print_line(text)

    def _annotate(self, value: str) -> None:
        patch = json.dumps({"metadata": {"annotations": {PROGRESS_ANNOTATION: value}}})
        self._pod.patch(self._merge, patch)

    @cached_property
    def _kubernetes(self) -> Any:
        # Spark's own client: it is there, it finds the account of the pod, it needs no package.
        return self._jvm.io.fabric8.kubernetes.client

    @property
    def _jvm(self) -> Any:
        return self.spark.sparkContext._jvm

    @cached_property
    def _pod(self) -> Any:
        # The client repeats a refused request for a minute; the next tick comes sooner than that.
        config = self._kubernetes.ConfigBuilder().withRequestRetryBackoffLimit(0).build()
        client = self._kubernetes.KubernetesClientBuilder().withConfig(config).build()
        # With a pod in hand it sends the patch alone; by its name it would get the pod each time.
        metadata = self._jvm.io.fabric8.kubernetes.api.model.PodBuilder().withNewMetadata()
        pod = metadata.withName(self.name).withNamespace(self.namespace).endMetadata().build()
        return client.pods().resource(pod)

    @cached_property
    def _merge(self) -> Any:
        base = self._kubernetes.dsl.base
        return base.PatchContext.of(base.PatchType.JSON_MERGE)


def _reason(error: Py4JError) -> str:
    """The first line of what Java said: a Py4JJavaError's own text is a whole stack trace."""
    message = error.java_exception.getMessage() if isinstance(error, Py4JJavaError) else error
    return (str(message).splitlines() or ["no reason given"])[0][:200]


def progress_json(tick: ProgressUpdate) -> str:
    """What a watcher reads: stage, done, total (or null), unit, rate in units per second."""
    return json.dumps(
        {
            "stage": tick.stage,
            "done": tick.done,
            "total": tick.total,
            "unit": tick.unit,
            "rate": round(tick.rate, 1),
        }
    )
