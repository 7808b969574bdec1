"""`image-features sample`: sets of images made from others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from job.config import ImagesConfig, SampleConfig
from job.options import (
    allowed_regions_option,
    conf_option,
    debug_option,
    glob_option,
    input_option,
    label_level_option,
    master_option,
    together,
)
from job.spark_command import path_given, spark_of

if TYPE_CHECKING:
    from job.datasets.sample import Sampled

_storage_options = together(conf_option, allowed_regions_option, debug_option)


@click.command("sample")
@input_option
@click.option(
    "--output",
    "output_path",
    required=True,
    metavar="PATH",
    help="Empty or new folder: s3a://, s3:// or local.",
)
@click.option("--classes", type=int, metavar="N", help="Classes of each split  [default: all]")
@click.option(
    "--images-per-class",
    type=int,
    metavar="N",
    help="Images of each class and split, all where there are fewer  [default: all]",
)
@click.option(
    "--seed", default=SampleConfig.seed, show_default=True, help="Another one chooses others."
)
@glob_option
@label_level_option
@master_option
@_storage_options
def sample_command(**options: Any) -> None:
    """Copy some images of some classes to an empty folder, under the names they have.

    Folders above that of the class, such as Training and Test, stay and are sampled each by
    itself. The same seed on the same paths chooses the same images.
    """
    output_path = path_given(options["output_path"])
    config = SampleConfig(
        ImagesConfig(path_given(options["input_path"]), options["glob"], options["label_level"]),
        output_path,
        options["classes"],
        options["images_per_class"],
        options["seed"],
    )
    with spark_of("sample", options, output_path) as spark:
        from job.datasets.sample import sample
        from job.progress import Stages

        _tell_sample(sample(spark, config, Stages()), config)


def _tell_sample(sampled: Sequence[Sampled], config: SampleConfig) -> None:
    for each in sampled:
        short = f", {each.short} with fewer than asked" if each.short else ""
        name = f"{each.split}: " if each.split else ""
        click.echo(f"{name}{each.images:,} images of {each.classes:,} classes{short}")
    click.echo(f"seed {config.seed}: the same command chooses the same images")
