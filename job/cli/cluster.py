"""`image-features cluster`: k-means of the projection, compared with the labels."""

from __future__ import annotations

from typing import Any

import click

from job.cli.options import common_options, output_option
from job.cli.spark import application_of, path_given
from job.config import ClusterConfig, new_run_id


@click.command()
@output_option
@click.option(
    "--clusters",
    type=int,
    metavar="K",
    help="So many clusters  [default: as many as there are labels]",
)
@click.option(
    "--seed",
    default=ClusterConfig.seed,
    show_default=True,
    help="Another one begins with other centres.",
)
@click.option(
    "--starts",
    default=ClusterConfig.starts,
    show_default=True,
    help="Begin so many times, and keep the tightest clusters.",
)
@common_options
def cluster(**options: Any) -> None:
    """Group the projected images by k-means, without their labels, and compare the two."""
    output_path, run_id = path_given(options["output_path"]), options["run_id"] or new_run_id()
    own = ("clusters", "seed", "starts")
    config = ClusterConfig(output_path, **{name: options[name] for name in own})
    with application_of("cluster", config, options, output_path, run_id) as app:
        from job.pipeline import commands

        commands.run_cluster(app, config)
