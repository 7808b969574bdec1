"""Options that several commands of this room take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from job.cli.options import together


def _values_option(*, required: bool) -> Callable[[Any], Any]:
    return click.option(
        "--values",
        required=required,
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Values of the chart; may be repeated, later ones win.",
    )


_release_options = together(
    click.option(
        "--set", "sets", multiple=True, metavar="KEY=VALUE", help="One value of the chart."
    ),
    click.option("--release", default="image-features", show_default=True, help="Whose run it is."),
    click.option(
        "--run-id", metavar="ID", help="Name of this run  [default: time and a random part]"
    ),
)
chart_options = together(_values_option(required=True), _release_options)
# For a command that does without a chart too.
optional_chart_options = together(_values_option(required=False), _release_options)
wait_options = together(
    click.option("--wait", is_flag=True, help="Follow the run; end with its exit code."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Follow it for so long at most; then end with 124.",
    ),
)
cluster_options = together(
    click.option("--context", metavar="CTX", help="Context of the kubeconfig."),
    click.option("--namespace", metavar="NS", help="Namespace  [default: the context's]"),
)
_VIRTUAL_CLUSTER = "--virtual-cluster"
virtual_cluster_option = click.option(
    _VIRTUAL_CLUSTER, metavar="ID", help="Of EMR on EKS, instead of a cluster."
)
required_virtual_cluster_option = click.option(
    _VIRTUAL_CLUSTER, metavar="ID", required=True, help="The virtual cluster of EMR on EKS."
)
