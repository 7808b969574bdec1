"""Publishes progress as an annotation of the driver's pod, so that watchers need no logs."""

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
    """`display`, which also annotates the pod that POD_NAME and POD_NAMESPACE name."""
    name, namespace = os.environ.get("POD_NAME"), os.environ.get("POD_NAMESPACE")
    if not name or not namespace:
        return display
    return PodProgress(display, spark, name, namespace)


@dataclass
class PodProgress:
    """Shows updates on `display` and as JSON in the pod's annotation.

    The first failure to annotate prints a warning and ends the annotating.
    """

    display: Display
    spark: SparkSession
    name: str
    namespace: str
    interval: float = field(init=False)
    _disabled: bool = False

    def __post_init__(self) -> None:
        self.interval = self.display.interval

    def show(self, update: ProgressUpdate) -> None:
        self.display.show(update)
        if self._disabled:
            return
        try:
            self._annotate(progress_json(update))
        except Py4JError as error:
            self._disabled = True
            print(f"no progress on the pod: {_reason(error)}", file=sys.stderr, flush=True)

    def print_line(self, text: str) -> None:
        self.display.print_line(text)

    def _annotate(self, value: str) -> None:
        patch = json.dumps({"metadata": {"annotations": {PROGRESS_ANNOTATION: value}}})
        self._pod.patch(self._merge_patch, patch)

    @cached_property
    def _kubernetes(self) -> Any:
        # Spark ships this client, which finds the service account of the pod.
        return self._jvm.io.fabric8.kubernetes.client

    @property
    def _jvm(self) -> Any:
        return self.spark.sparkContext._jvm

    @cached_property
    def _pod(self) -> Any:
        # By default the client retries for a minute; the next update comes sooner.
        config = self._kubernetes.ConfigBuilder().withRequestRetryBackoffLimit(0).build()
        client = self._kubernetes.KubernetesClientBuilder().withConfig(config).build()
        # Given the name alone, the client would get the pod before each patch.
        metadata = self._jvm.io.fabric8.kubernetes.api.model.PodBuilder().withNewMetadata()
        pod = metadata.withName(self.name).withNamespace(self.namespace).endMetadata().build()
        return client.pods().resource(pod)

    @cached_property
    def _merge_patch(self) -> Any:
        base = self._kubernetes.dsl.base
        return base.PatchContext.of(base.PatchType.JSON_MERGE)


def _reason(error: Py4JError) -> str:
    """The first line of Java's message: the text of a Py4JJavaError is a whole stack trace."""
    message = error.java_exception.getMessage() if isinstance(error, Py4JJavaError) else error
    return (str(message).splitlines() or ["no reason given"])[0][:200]


def progress_json(update: ProgressUpdate) -> str:
    """The JSON of the annotation: stage, done, total (or null), unit, rate in units per second."""
    return json.dumps(
        {
            "stage": update.stage,
            "done": update.done,
            "total": update.total,
            "unit": update.unit,
            "rate": round(update.rate, 1),
        }
    )
