"""`image-features similar`: the images that are nearest to one, as a table or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from job.cli.options import (
    allowed_regions_option,
    conf_option,
    debug_option,
    master_option,
    output_option,
)
from job.cli.spark import path_given, spark_of
from job.config import VECTORS, SimilarConfig
from job.runtime.formatting import printable

if TYPE_CHECKING:
    from job.analysis.similarity.search import Similar


@click.command()
@click.argument("image_path", metavar="IMAGE")
@output_option
@click.option(
    "--count", default=SimilarConfig.count, show_default=True, help="How many images to find."
)
@click.option(
    "--on",
    type=click.Choice(VECTORS),
    default=SimilarConfig.on,
    show_default=True,
    help="Near by cosine distance of the features, or by Euclidean distance of the components.",
)
@click.option(
    "--weights",
    metavar="FILE",
    help="For an image that is not of the output: what its network had  [default: the shipped one]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@conf_option
@master_option
@allowed_regions_option
@debug_option
def similar(**options: Any) -> None:
    """Find the images of an output that are nearest to IMAGE, one of them or any other."""
    output_path = path_given(options["output_path"])
    options["image_path"] = path_given(options["image_path"])
    config = SimilarConfig(
        output_path,
        options["image_path"],
        options["count"],
        options["on"],
        options["weights"],
    )
    with spark_of("similar", options, output_path) as spark:
        from job.analysis.similarity.search import find_similar
        from job.runtime.progress import Stages

        found = find_similar(spark, config, Stages())
    if options["as_json"]:
        click.echo(json.dumps(asdict(found), ensure_ascii=False, indent=2))
    else:
        _show(found)


def _show(found: Similar) -> None:
    """Distance, label and path in columns; names as they are, but on one line each."""
    labels = [printable(each.label or "") for each in found.neighbours]
    width = max(map(len, ["label", *labels]))
    click.echo(f"{'distance':>10}  {'label':<{width}}  path")
    for each, label in zip(found.neighbours, labels, strict=True):
        click.echo(f"{each.distance:10.4f}  {label:<{width}}  {printable(each.path)}")
