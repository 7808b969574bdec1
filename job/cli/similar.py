"""`image-features similar`: the nearest images to one image, as a table or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from job.cli.config_options import build, config_options
from job.cli.options import allowed_regions_option, conf_option, debug_option, master_option
from job.cli.spark import spark_session_for
from job.config import SimilarConfig
from job.paths import canonical_path
from job.runtime.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.similarity.nearest import Neighbour


@click.command()
@click.argument("image_path", metavar="IMAGE")
@config_options(SimilarConfig)
@click.option("--json", "json_output", is_flag=True, help="Print one JSON object.")
@conf_option
@master_option
@allowed_regions_option
@debug_option
def similar(**options: Any) -> None:
    """Find the images of an output that are nearest to IMAGE, which may be any image."""
    options["image_path"] = canonical_path(options["image_path"])
    config = build(SimilarConfig, options)
    with spark_session_for("similar", options, config.output_path) as spark:
        from job.analysis.similarity.search import find_similar
        from job.runtime.progress import Steps

        similar_images = find_similar(spark, config, Steps())
    if options["json_output"]:
        click.echo(json.dumps(asdict(similar_images), ensure_ascii=False, indent=2))
    else:
        _show(similar_images.neighbours)


def _show(neighbours: Sequence[Neighbour]) -> None:
    """Print distance, label and path in columns, with control characters escaped."""
    labels = [printable(neighbour.label or "") for neighbour in neighbours]
    width = max(map(len, ["label", *labels]))
    click.echo(f"{'distance':>10}  {'label':<{width}}  path")
    for neighbour, label in zip(neighbours, labels, strict=True):
        click.echo(f"{neighbour.distance:10.4f}  {label:<{width}}  {printable(neighbour.path)}")
