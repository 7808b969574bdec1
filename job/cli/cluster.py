"""`image-features cluster`: k-means of the projection, compared with the labels."""

from __future__ import annotations

from typing import Any

import click

from job.cli.config_options import build, config_options
from job.cli.options import common_options, run_id_of
from job.cli.spark import execute
from job.config import ClusterConfig


@click.command()
@config_options(ClusterConfig)
@common_options
def cluster(**options: Any) -> None:
    """Cluster the projected images with k-means, and compare the clusters with the labels."""
    run_id = run_id_of(options)
    config = build(ClusterConfig, options)
    execute("cluster", config, options, config.output_path, run_id)
