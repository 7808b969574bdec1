"""The options of commands that featurize images, and the config that they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from job.cli.options import glob_option, label_level_option, together
from job.cli.spark import path_given
from job.config import PRECISIONS, READERS, FeaturizeConfig, ImagesConfig, NetworkConfig

_IMAGES = ImagesConfig("")
_FEATURIZE = FeaturizeConfig("", _IMAGES)

images_options = together(
    glob_option,
    label_level_option,
    click.option(
        "--reader",
        type=click.Choice(READERS),
        default=_IMAGES.reader,
        show_default=True,
        help="concurrent: workers fetch many objects at once; s3a: Spark's binaryFile; "
        "auto: concurrent, or s3a where an fs.s3a setting asks for it.",
    ),
    click.option("--exif-rotate", is_flag=True, help="Turn images as their EXIF orientation says."),
    click.option("--max-image-bytes", default=_IMAGES.max_image_bytes, show_default=True),
    click.option("--max-image-pixels", default=_IMAGES.max_image_pixels, show_default=True),
)
network_options = together(
    click.option("--backbone", default="mobilenet_v2", show_default=True, help="Which network."),
    click.option(
        "--weights",
        metavar="FILE",
        help="A Keras weights file of the backbone  [default: the shipped one]",
    ),
    click.option(
        "--batch-size",
        type=int,
        help="Images a forward pass  [default: 2 where a task has one core, 8 where it has more]",
    ),
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default=NetworkConfig().precision,
        show_default=True,
        help="bf16: faster on CPUs with bfloat16; features of a numeric class of their own.",
    ),
)
featurize_options = together(
    click.option(
        "--max-bad-fraction",
        default=_FEATURIZE.max_bad_fraction,
        show_default=True,
        help="More bad images than this share end the run with exit code 6, after all is written.",
    ),
    click.option(
        "--portion-images",
        type=int,
        show_default="all of few, else about five minutes of work",
        help="Images committed at a time: what a crash can lose.",
    ),
    click.option(
        "--compact-above",
        default=_FEATURIZE.compact_above,
        show_default=True,
        metavar="FILES",
        help="Compact the tables when they have so many files more than their rows need.",
    ),
    click.option(
        "--refeaturize", is_flag=True, help="Featurize all images again, with another network too."
    ),
    click.option(
        "--allow-drop",
        is_flag=True,
        help="Drop rows even if more than 10 % of the images are gone.",
    ),
    click.option("--keep-deleted", is_flag=True, help="Keep the rows of images that are gone."),
)


def featurize_config(options: Mapping[str, Any], output_path: str, run_id: str) -> FeaturizeConfig:
    """The config of a command that has all options of this file and `--input`."""
    images = ImagesConfig(
        input_path=path_given(options["input_path"]),
        **{
            name: options[name]
            for name in (
                "glob",
                "label_level",
                "reader",
                "exif_rotate",
                "max_image_bytes",
                "max_image_pixels",
            )
        },
    )
    return FeaturizeConfig(
        output_path=output_path,
        images=images,
        network=NetworkConfig(
            **{name: options[name] for name in ("backbone", "weights", "batch_size", "precision")}
        ),
        run_id=run_id,
        **{
            name: options[name]
            for name in (
                "max_bad_fraction",
                "portion_images",
                "compact_above",
                "refeaturize",
                "allow_drop",
                "keep_deleted",
            )
        },
    )
