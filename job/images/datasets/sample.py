"""`image-features sample`: list, choose, copy; the driver holds classes, never images."""

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
    chosen_folders,
    chosen_images,
    class_folders,
    images_in_classes,
)
from job.images.datasets.transfer import THREADS, copy, settings_for, told
from job.images.listing import check_input, first_objects, list_images
from job.images.s3a_config import StoreSettings
from job.paths import LOCAL_SCHEME, canonical_path, folder_of, split_path
from job.runtime.progress import RowCounter, Steps
from job.runtime.session import task_slots
from job.runtime.task_sizing import in_tasks, task_sizes

BatchFunction = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]

# The plan node that each copied image leaves.
_COPY_NODE = "MapInArrow copy_sample"


@dataclass(frozen=True)
class Sampled:
    """What a sample has of one split; `short` are its classes with fewer images than asked."""

    split: str
    classes: int
    images: int
    short: int


def sample(spark: SparkSession, config: SampleConfig, steps: Steps) -> list[Sampled]:
    """Copy the sample of `config`, each object under the name that it has.

    Raises InvalidValueError for fewer classes than asked and for an output that is not empty,
    InputNotFoundError where there is no image, and what storage has to say.
    """
    source = canonical_path(config.images.input_path)
    settings = settings_for(spark, source, config.output_path)
    check_input(spark, config.images, settings)
    _require_empty(spark, config.output_path, settings)
    with steps.step("list", unit="objects"):
        listed = images_in_classes(list_images(spark, config.images, settings), config.images)
        # On the executors' disks: a bucket is listed once, for its classes and for its images.
        images = listed.persist(StorageLevel.DISK_ONLY)
        found = class_folders(images)
    _require_images(found, config.images)
    folders = chosen_folders(found, config)
    _copy_all(
        chosen_images(images, folders, config), _sizes(folders, config), config, settings, steps
    )
    images.unpersist()
    return _sampled(folders, config)


def _copy_all(
    chosen: DataFrame,
    sizes: dict[str, int],
    config: SampleConfig,
    settings: StoreSettings | None,
    steps: Steps,
) -> None:
    spark, total = chosen.sparkSession, sum(sizes.values())
    tasks = in_tasks(chosen, task_sizes(total, task_slots(spark)))
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
    """How many images of each folder, by its path, the sample has."""
    most = config.images_per_class
    return {
        f"{each.split}/{each.label}": each.images if most is None else min(each.images, most)
        for each in folders
    }


def _sampled(folders: list[ClassFolder], config: SampleConfig) -> list[Sampled]:
    most = config.images_per_class
    result = []
    for split in sorted({each.split for each in folders}):
        ours = [each for each in folders if each.split == split]
        short = sum(each.images < (most or 0) for each in ours)
        images = sum(_sizes(ours, config).values())
        result.append(Sampled(split, len(ours), images, short))
    return result


def _require_empty(spark: SparkSession, output_path: str, settings: StoreSettings | None) -> None:
    scheme, _, folder = split_path(output_path)
    if scheme == LOCAL_SCHEME:
        # Links and empty folders too: what is copied would go through them.
        there = _first_entry(folder)
    else:
        objects = first_objects(spark, ImagesConfig(output_path), settings)
        there = next((found.path for found in objects), None)
    if there is not None:
        raise InvalidValueError(
            f"--output {output_path} is not empty: it has {there}",
            expected="an empty or a new folder",
            fix="choose another, or delete what is there",
        )


def _first_entry(folder: str) -> str | None:
    """Anything in a local folder, or the path itself where it is no folder."""
    if not os.path.isdir(folder):
        return folder if os.path.lexists(folder) else None
    with told(folder, folder):
        return next((os.path.join(folder, name) for name in os.listdir(folder)), None)


def _require_images(found: list[ClassFolder], images: ImagesConfig) -> None:
    if not found:
        raise InputNotFoundError(
            f"no image under {images.input_path} is in a folder of its class "
            f"(--glob {images.glob!r}, --label-level {images.label_level})",
            expected="<class>/<image>, with other folders above or not",
            fix="check --input, --glob and --label-level",
        )
