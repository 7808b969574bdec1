"""Progress as an annotation of the driver's own pod: a watcher finds it without reading logs."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from job.display import PROGRESS_ANNOTATION, Display, Tick


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

    def show(self, tick: Tick) -> None:
        self.display.show(tick)
        if self._refused:
            return
        try:
            self._annotate(progress_json(tick))
        except Py4JError as error:
            self._refused = True
            reason = str(error).strip().splitlines()[-1][:200]
            print(f"no progress on the pod: {reason}", file=sys.stderr, flush=True)

    def end(self, text: str) -> None:
        self.display.end(text)

    def _annotate(self, value: str) -> None:
        patch = json.dumps({"metadata": {"annotations": {PROGRESS_ANNOTATION: value}}})
        self._pod.patch(self._merge, patch)

    @cached_property
    def _kubernetes(self) -> Any:
        # Spark's own client: it is there, it finds the account of the pod, it needs no package.
        jvm: Any = self.spark.sparkContext._jvm
        return jvm.io.fabric8.kubernetes.client

    @cached_property
    def _pod(self) -> Any:
        client = self._kubernetes.KubernetesClientBuilder().build()
        return client.pods().inNamespace(self.namespace).withName(self.name)

    @cached_property
    def _merge(self) -> Any:
        base = self._kubernetes.dsl.base
        return base.PatchContext.of(base.PatchType.JSON_MERGE)


def progress_json(tick: Tick) -> str:
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
