"""`image-features sample` and `clean-names`: copy a sample of images, and rename files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from job.cli.config_options import build, config_options
from job.cli.options import (
    allowed_regions_option,
    conf_option,
    debug_option,
    master_option,
    option_group,
    spark_settings,
)
from job.cli.spark import check_storage, spark_session_for
from job.config import ImagesConfig, SampleConfig, new_run_id
from job.paths import canonical_path
from job.runtime.formatting import printable

if TYPE_CHECKING:
    from pathlib import Path

    from job.images.datasets.sample import SplitSample

_storage_options = option_group(conf_option, allowed_regions_option, debug_option)
# Both commands handle files without decoding them.
_DECODING_FIELDS = ("reader", "exif_rotate", "max_image_bytes", "max_image_pixels")


@click.command("sample")
@config_options(SampleConfig, omit=_DECODING_FIELDS)
@master_option
@_storage_options
def sample_command(**options: Any) -> None:
    """Copy some images of some classes to an empty folder; the files keep their names.

    Folders above the class, such as Training and Test, are kept, and each is sampled separately.
    The same seed on the same paths selects the same images.
    """
    config = build(SampleConfig, options)
    with spark_session_for("sample", options, config.output_path) as spark:
        from job.images.datasets.sample import sample
        from job.runtime.progress import Steps

        _print_sample(sample(spark, config, Steps()), config)


@click.command("clean-names")
@config_options(ImagesConfig, omit=("glob", "label_level", *_DECODING_FIELDS))
@click.option("--apply", "applies", is_flag=True, help="Rename; without it names are only shown.")
@click.option(
    "--mapping",
    "mapping_path",
    metavar="FILE",
    show_default="next to the input",
    help="Where old and new names are kept.",
)
@click.option(
    "--resume",
    "resumed_path",
    metavar="FILE",
    help="Continue an interrupted --apply with its mapping.",
)
@_storage_options
def clean_names_command(**options: Any) -> None:
    """Give files and folders names that have only letters, digits, `.`, `_` and `-`.

    Shows old and new names; --apply renames the files, on S3 with a copy and a delete. No file is
    overwritten: if two new names are the same, one gets a number.
    """
    settings = spark_settings(options["conf"])
    check_storage(options, settings)
    from job.images.datasets.renaming import (
        apply_renames,
        open_mapping,
        open_tree,
        require_new_mapping,
        write_plan,
    )
    from job.images.datasets.transfer import copy, store_settings_without_spark
    from job.runtime.progress import Steps

    input_path, resumed = canonical_path(options["input_path"]), options["resumed_path"]
    mapping = _mapping_path(input_path, resumed or options["mapping_path"])
    store = store_settings_without_spark(settings, input_path, mapping)
    if options["mapping_path"] and options["applies"] and not resumed:
        require_new_mapping(mapping, input_path, store)
    tree = open_tree(input_path, store)
    with open_mapping(mapping, store) if resumed else write_plan(tree) as (names, total):
        if not (total and (options["applies"] or resumed)):
            _show_names(names, total)
            return
        if not resumed:
            # Before any rename, so that the old names are known after a crash.
            copy(f"file://{names}", mapping, store)
            click.echo(f"old and new names: {mapping} (if this is stopped: --resume that file)")
        apply_renames(tree, names, total, Steps(), resumes=bool(resumed))
    click.echo(f"{total:,} files renamed")


def _mapping_path(input_path: str, path: str | None) -> str:
    from job.images.datasets.renaming import default_mapping_path

    return canonical_path(path) if path else default_mapping_path(input_path, new_run_id())


def _show_names(names: Path, total: int) -> None:
    from job.images.datasets.renaming import read_plan

    for old, new in read_plan(names):
        click.echo(f"{printable(old)} -> {printable(new)}")
    if total:
        click.echo(f"{total:,} files would be renamed; --apply renames them", err=True)
    else:
        click.echo("all names are portable", err=True)


def _print_sample(sample: Sequence[SplitSample], config: SampleConfig) -> None:
    for split in sample:
        short = f", {split.short} with fewer than asked" if split.short else ""
        name = f"{split.split}: " if split.split else ""
        click.echo(f"{name}{split.images:,} images of {split.classes:,} classes{short}")
    click.echo(f"seed {config.seed}: the same command chooses the same images")
