"""`image-features sample`: list, choose, copy; the driver holds classes, but no images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from job import schemas
from job.config import ImagesConfig, SampleConfig
from job.errors import InputNotFoundError, InvalidValueError
from job.images.datasets.class_sampling import (
    RELATIVE,
    ClassFolder,
    class_folders,
    images_in_classes,
    is_file_name,
    select_folders,
    select_images,
)
from job.images.datasets.transfer import THREADS, copy, store_settings_for, translate_storage_errors
from job.images.listing import check_input, first_objects, list_images
from job.images.s3a_config import StoreSettings
from job.paths import LOCAL_SCHEME, canonical_path, folder_of, split_path
from job.runtime.formatting import pluralize
from job.runtime.progress import RowCounter, Steps
from job.runtime.session import task_slots
from job.runtime.task_sizing import repartition_into_tasks, task_sizes

BatchFunction = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]

# The plan node whose output rows are the copied images.
_COPY_NODE = "MapInArrow copy_sample"


@dataclass(frozen=True)
class SplitSample:
    """The sample of one split; `short` counts classes with fewer images than requested."""

    split: str
    classes: int
    images: int
    short: int


def sample(spark: SparkSession, config: SampleConfig, steps: Steps) -> list[SplitSample]:
    """Copy the sample of `config`; relative paths stay the same.

    Raises InvalidValueError for fewer classes than requested and for an output that is not empty,
    InputNotFoundError without any image, and the errors of `copy`.
    """
    source = canonical_path(config.images.input_path)
    settings = store_settings_for(spark, source, config.output_path)
    check_input(spark, config.images, settings)
    _require_empty(spark, config.output_path, settings)
    with steps.step("list", unit="objects"):
        listed = images_in_classes(list_images(spark, config.images, settings), config.images)
        # On the executors' disks: list a bucket once, for its classes and for its images.
        images = listed.persist(StorageLevel.DISK_ONLY)
        if split_path(config.output_path)[0] == LOCAL_SCHEME:
            images = with_file_names(images, steps)
        available = class_folders(images)
    _require_images(available, config.images)
    folders = select_folders(available, config)
    _copy_all(
        select_images(images, folders, config), _sizes(folders, config), config, settings, steps
    )
    listed.unpersist()
    return _split_samples(folders, config)


def with_file_names(images: DataFrame, steps: Steps) -> DataFrame:
    """`images` without those whose keys are no file names: they would leave the output folder."""
    omitted = images.where(~is_file_name())
    if count := omitted.count():
        example = omitted.first()
        assert example is not None
        steps.display.print_line(
            f"{pluralize(count, 'object')} left out, whose keys are no paths on a disk, such as "
            f"{example[schemas.PATH]}"
        )
    return images.where(is_file_name())


def _copy_all(
    images: DataFrame,
    sizes: dict[str, int],
    config: SampleConfig,
    settings: StoreSettings | None,
    steps: Steps,
) -> None:
    spark, total = images.sparkSession, sum(sizes.values())
    tasks = repartition_into_tasks(images, task_sizes(total, task_slots(spark)))
    count = RowCounter(spark, _COPY_NODE)
    with steps.step("copy", total=total, done=lambda: min(count(), total)):
        tasks.mapInArrow(_copier(config.output_path, settings), f"{RELATIVE} string").count()


def _copier(output_path: str, settings: StoreSettings | None) -> BatchFunction:
    folder = folder_of(output_path)

    def copy_sample(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with ThreadPoolExecutor(THREADS, thread_name_prefix="copy") as pool:
            for batch in batches:
                names = batch.column(RELATIVE)
                paths = batch.column(schemas.PATH).to_pylist()
                targets = [folder + name for name in names.to_pylist()]
                list(pool.map(copy, paths, targets, [settings] * len(paths)))
                yield pa.RecordBatch.from_arrays([names], [RELATIVE])

    return copy_sample


def _sizes(folders: list[ClassFolder], config: SampleConfig) -> dict[str, int]:
    """The number of images in the sample by the path of their class folder."""
    limit = config.images_per_class
    return {
        f"{folder.split}/{folder.label}": (
            folder.images if limit is None else min(folder.images, limit)
        )
        for folder in folders
    }


def _split_samples(folders: list[ClassFolder], config: SampleConfig) -> list[SplitSample]:
    samples = []
    for split in sorted({folder.split for folder in folders}):
        split_folders = [folder for folder in folders if folder.split == split]
        short = sum(folder.images < (config.images_per_class or 0) for folder in split_folders)
        images = sum(_sizes(split_folders, config).values())
        samples.append(SplitSample(split, len(split_folders), images, short))
    return samples


def _require_empty(spark: SparkSession, output_path: str, settings: StoreSettings | None) -> None:
    scheme, _, folder = split_path(output_path)
    if scheme == LOCAL_SCHEME:
        # Includes links and empty folders: images could be copied through a link.
        first = _first_entry(folder)
    else:
        objects = first_objects(spark, ImagesConfig(output_path), settings)
        first = next((stored.path for stored in objects), None)
    if first is not None:
        raise InvalidValueError(
            f"--output {output_path} is not empty: it has {first}",
            expected="an empty or a new folder",
            fix="choose another folder, or delete its content",
        )


def _first_entry(folder: str) -> str | None:
    """Any entry of a local folder, or the path itself if it is not a folder."""
    if not os.path.isdir(folder):
        return folder if os.path.lexists(folder) else None
    with translate_storage_errors(folder, folder):
        return next((os.path.join(folder, name) for name in os.listdir(folder)), None)


def _require_images(folders: list[ClassFolder], images: ImagesConfig) -> None:
    if not folders:
        raise InputNotFoundError(
            f"no image under {images.input_path} is in a class folder "
            f"(--glob {images.glob!r}, --label-level {images.label_level})",
            expected="<class>/<image>, optionally in more folders",
            fix="check --input, --glob and --label-level",
        )
