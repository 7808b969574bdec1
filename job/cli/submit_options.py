"""Options of the commands that take chart values, a cluster or a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from job.cli.options import option_group


def _values_option(*, required: bool) -> Callable[[Any], Any]:
    return click.option(
        "--values",
        required=required,
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Chart values; repeatable, later files win.",
    )


_release_options = option_group(
    click.option(
        "--set", "sets", multiple=True, metavar="KEY=VALUE", help="A chart value; repeatable."
    ),
    click.option(
        "--release", default="image-features", show_default=True, help="Helm release name."
    ),
    click.option(
        "--run-id", metavar="ID", show_default="time and a random part", help="Name of this run."
    ),
)
chart_options = option_group(_values_option(required=True), _release_options)
# For commands that can also run without a chart.
optional_chart_options = option_group(_values_option(required=False), _release_options)
wait_options = option_group(
    click.option("--wait", is_flag=True, help="Follow the run; exit with its exit code."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Follow the run for at most this long, then exit with 124.",
    ),
)
cluster_options = option_group(
    click.option("--context", metavar="CTX", help="Kubeconfig context."),
    click.option(
        "--namespace",
        metavar="NS",
        show_default="that of the context",
        help="Kubernetes namespace.",
    ),
)
_VIRTUAL_CLUSTER = "--virtual-cluster"
virtual_cluster_option = click.option(
    _VIRTUAL_CLUSTER,
    metavar="ID",
    help="EMR on EKS virtual cluster, instead of a Kubernetes context.",
)
required_virtual_cluster_option = click.option(
    _VIRTUAL_CLUSTER, metavar="ID", required=True, help="EMR on EKS virtual cluster."
)
