"""The context of the client-side checks: a cluster, a chart, and AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import click

from job.deploy.render.helm import Chart, Manifest, merge_values
from job.deploy.render.render import RenderedRun, render_run
from job.deploy.submit import apply
from job.deploy.submit.cluster import Cluster
from job.deploy.submit.emr.aws import Aws, boto3_client


@dataclass(frozen=True)
class ClientContext:
    """`cli` is the job's command line; `client` creates a boto3 client from its options."""

    cluster: Cluster
    chart: Chart
    cli: click.Command
    client: Callable[..., Any] = boto3_client

    def aws(self, **options: Any) -> Aws:
        """AWS with the user's own credentials."""
        return Aws(lambda service: self.client(service, **options))

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """All values, the chart's defaults included."""
        return merge_values(self.chart)

    @cached_property
    def manifests(self) -> list[Manifest]:
        """The objects that `submit` would apply to this cluster."""
        return apply.render_for_cluster(self.chart, self.cluster)

    @cached_property
    def run(self) -> RenderedRun:
        """The chart as one run, also if the values have a schedule."""
        return render_run(self.chart)

    @property
    def spec(self) -> Mapping[str, Any]:
        """The spec of the application."""
        spec: dict[str, Any] = self.run.application["spec"]
        return spec

    def service_account(self, role: str) -> Manifest | None:
        """The service account of a role if the chart creates it, else None."""
        name = self.spec[role]["serviceAccount"]
        accounts = (obj for obj in self.run.extra_objects if obj["kind"] == "ServiceAccount")
        return next((account for account in accounts if account["metadata"]["name"] == name), None)
