"""What is checked: all values, the application they render, its arguments, the nodes it is for."""

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
    """A node's memory in bytes and its cores; None where nobody has said."""

    memory: int | None = None
    cores: float | None = None


@dataclass(frozen=True)
class Subject:
    """`application` is the SparkApplication or ScheduledSparkApplication, as it is rendered."""

    values: Mapping[str, Any]
    application: Manifest
    arguments: JobArguments
    node: Node = Node()

    def value(self, key: str) -> Any:
        """The value at a dotted path, the chart's default if the files have none."""
        return _at(self.values, key)

    @property
    def is_scheduled(self) -> bool:
        return bool(self.application["kind"] == SCHEDULE)

    @property
    def spec(self) -> Mapping[str, Any]:
        """The spec of the application, alone or as the template of a schedule."""
        spec: dict[str, Any] = self.application["spec"]
        return spec["template"] if self.is_scheduled else spec

    @property
    def conf(self) -> Mapping[str, str]:
        """All Spark settings of the application."""
        return dict(self.spec["sparkConf"])

    @property
    def own_conf(self) -> Mapping[str, str]:
        """The Spark settings that the values files add."""
        own = self.values["sparkConf"]
        return {key: self.conf[key] for key in own}


@cache
def chart_defaults() -> Mapping[str, Any]:
    """The values that the chart has by itself."""
    text = (resources.chart() / "values.yaml").read_text(encoding="utf-8")
    defaults: dict[str, Any] = yaml.safe_load(text)
    return defaults


def default_of(key: str) -> Any:
    """The chart's default at a dotted path."""
    return _at(chart_defaults(), key)


def _at(found: Any, key: str) -> Any:
    for part in key.split("."):
        found = found[part]
    return found


def conf_key(setting: str) -> str:
    """The path of a Spark setting in the values."""
    return f"sparkConf.{setting}"
