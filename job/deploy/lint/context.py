"""The context of the checks: values, the rendered application, its arguments, the nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from job import resources
from job.deploy.render.helm import SCHEDULE, Manifest
from job.job_arguments import JobArguments

ROLES = ("driver", "executor")


@dataclass(frozen=True)
class Node:
    """A node's memory in bytes and its cores; None if unknown."""

    memory: int | None = None
    cores: float | None = None


@dataclass(frozen=True)
class LintContext:
    """`application` is the rendered SparkApplication or ScheduledSparkApplication."""

    values: Mapping[str, Any]
    application: Manifest
    arguments: JobArguments
    node: Node = Node()

    def value(self, key: str) -> Any:
        """The value at a dotted path; the chart's default if the values files do not set it."""
        return _at(self.values, key)

    @property
    def is_scheduled(self) -> bool:
        return bool(self.application["kind"] == SCHEDULE)

    @property
    def spec(self) -> Mapping[str, Any]:
        """The spec of the application; of a schedule, that of its template."""
        spec: dict[str, Any] = self.application["spec"]
        return spec["template"] if self.is_scheduled else spec

    @property
    def conf(self) -> Mapping[str, str]:
        """All Spark settings of the application."""
        return dict(self.spec["sparkConf"])

    @property
    def own_conf(self) -> Mapping[str, str]:
        """The Spark settings that the values files set in `sparkConf`."""
        return {key: self.conf[key] for key in self.values["sparkConf"]}


@cache
def chart_defaults() -> Mapping[str, Any]:
    """The chart's own values.yaml."""
    text = (resources.chart() / "values.yaml").read_text(encoding="utf-8")
    defaults: dict[str, Any] = yaml.safe_load(text)
    return defaults


def chart_default(key: str) -> Any:
    """The chart's default at a dotted path."""
    return _at(chart_defaults(), key)


def _at(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values[part]
    return values


def conf_key(setting: str) -> str:
    """The dotted path of a Spark setting in the values."""
    return f"sparkConf.{setting}"
