"""What is examined from outside: a cluster, a chart for it, and AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import click

from job.deploy.render.helm import Chart, Manifest, merged_values
from job.deploy.render.render import OneRun, one_run
from job.deploy.submit import apply
from job.deploy.submit.cluster import Cluster
from job.deploy.submit.emr.aws import Aws, boto3_client


@dataclass(frozen=True)
class Outside:
    """`cli` is the job's command line; `client` makes a client of boto3, with its options."""

    cluster: Cluster
    chart: Chart
    cli: click.Command
    client: Callable[..., Any] = boto3_client

    def aws(self, **options: Any) -> Aws:
        """AWS as who asks here sees it."""
        return Aws(lambda service: self.client(service, **options))

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """All values, the chart's defaults included."""
        return merged_values(self.chart)

    @cached_property
    def manifests(self) -> list[Manifest]:
        """What `submit` would put onto this cluster."""
        return apply.for_cluster(self.chart, self.cluster)

    @cached_property
    def run(self) -> OneRun:
        """The chart as one run, of values with a schedule too."""
        return one_run(self.chart)

    @property
    def spec(self) -> Mapping[str, Any]:
        """The spec of the application."""
        spec: dict[str, Any] = self.run.application["spec"]
        return spec

    def account(self, role: str) -> Manifest | None:
        """The service account of a role as the chart makes it; None where it makes none."""
        name = self.spec[role]["serviceAccount"]
        accounts = (each for each in self.run.beside if each["kind"] == "ServiceAccount")
        return next((each for each in accounts if each["metadata"]["name"] == name), None)
