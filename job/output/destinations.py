"""Where an export may go: to a new place, or to that of an earlier export, which it replaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from job import schemas
from job.config import ExportConfig
from job.errors import AccessDeniedError, InvalidValueError
from job.layout import Layout
from job.output.npy_export import ARRAY, NAMES
from job.path_rules import is_listed, is_within
from job.runtime import filesystem
from job.runtime.spark_errors import STORAGE_EXCEPTIONS, as_job_error

# What Spark writes into a folder of Parquet: `.crc` on a disk, the folders while it writes.
_PARQUET_FILE = re.compile(r"\.?(part-.*\.parquet|_SUCCESS)(\.crc)?")
_UNFINISHED_FOLDER = re.compile(r"_temporary|__magic.*")
_HEADER = f"{schemas.PATH},{schemas.LABEL}".encode()


def require_free(spark: SparkSession, config: ExportConfig, images: tuple[str, str] | None) -> None:
    """Raise InvalidValueError where an export to its destination would do harm.

    It may replace an earlier export in the same format, that of an older version too; nothing
    else. `images` are input path and glob of the output's last run, which must not list it. A
    place in the output itself is the program's own.
    """
    destination, file_format = config.destination, config.file_format
    if destination is None or is_within(destination, config.output_path):
        return
    foreign_in, names = _FORMATS[file_format]
    written = [f"{destination}/{name}".rstrip("/") for name in names]
    if images is not None and is_listed(*images, *written):
        raise InvalidValueError(
            f"--destination {destination} lies in the input {images[0]}: the next run would take "
            "the export for images",
            expected="a path outside the input",
            fix="choose another --destination",
        )
    try:
        foreign = foreign_in(spark, destination)
    except STORAGE_EXCEPTIONS as error:
        raise as_job_error(error, destination) or error from error
    if foreign:
        raise InvalidValueError(
            f"--destination {destination} {foreign}",
            expected=f"a new place, or an earlier export with --format {file_format}",
            fix="choose another --destination, or move what is there",
        )


def _foreign_parquet(spark: SparkSession, folder: str) -> str | None:
    """What is wrong with a folder that Parquet would replace; None where nothing is."""
    if not filesystem.exists(spark, folder):
        return None
    if filesystem.is_file(spark, folder):
        return "is a file"
    has_parts = False
    for name, is_file in filesystem.entries(spark, folder):
        pattern = _PARQUET_FILE if is_file else _UNFINISHED_FOLDER
        if not pattern.fullmatch(name):
            return f"holds {name}, which no export wrote"
        has_parts |= name.startswith("part-")
    if not has_parts:
        return None
    if not _is_projection(spark, folder):
        return "holds Parquet that no export wrote"
    return _in_an_output(spark, folder)


def _is_projection(spark: SparkSession, folder: str) -> bool:
    """Whether all files of a folder have the columns of an export."""
    try:
        found = spark.read.option("mergeSchema", "true").parquet(folder).schema
    except (Py4JJavaError, PySparkException) as error:
        # Storage that fails says nothing of the files: that is not for this check to judge.
        if as_job_error(error, folder) is not None:
            raise
        return False
    return _columns(found) == _columns(schemas.PROJECTION_SCHEMA)


def _columns(schema: StructType) -> list[tuple[str, str]]:
    return [(field.name, field.dataType.simpleString()) for field in schema]


def _foreign_csv(spark: SparkSession, file: str) -> str | None:
    """What is wrong with a file that CSV would replace; None where nothing is."""
    if not filesystem.exists(spark, file):
        return None
    if not filesystem.is_file(spark, file):
        return "is a folder"
    if filesystem.read_bytes(spark, file, most=len(_HEADER)) not in (b"", _HEADER):
        return "is a file that no export wrote"
    return _in_an_output(spark, file)


def _foreign_arrays(spark: SparkSession, folder: str) -> str | None:
    """What is wrong with the two files that an array would replace; None where nothing is.

    The names come first: an array without them is of something else.
    """
    if filesystem.is_file(spark, folder):
        return "is a file"
    names = f"{folder}/{NAMES}"
    if filesystem.exists(spark, names):
        foreign = _foreign_csv(spark, names)
        return f"holds {NAMES}, which {foreign}" if foreign else _in_an_output(spark, folder)
    if filesystem.exists(spark, f"{folder}/{ARRAY}"):
        return f"holds {ARRAY}, which no export wrote"
    return None


def _in_an_output(spark: SparkSession, path: str) -> str | None:
    """Whose results `path` is, where it lies right in the output of other runs."""
    parent = path.rpartition("/")[0]
    with suppress(AccessDeniedError):
        if _exists(spark, f"{Layout(parent).features}/_delta_log"):
            return f"is a result in the output {parent}"
    return None


def _exists(spark: SparkSession, path: str) -> bool:
    """Raises AccessDeniedError: rights on a destination need not cover the folder above it."""
    try:
        return filesystem.exists(spark, path)
    except Py4JError as error:
        raise as_job_error(error, path) or error from error


# What may not be replaced, and the names of files that are written (csv: the destination itself).
_FORMATS: Mapping[str, tuple[Callable[[SparkSession, str], str | None], tuple[str, ...]]] = {
    "parquet": (_foreign_parquet, ("part-00000-0-c000.snappy.parquet",)),
    "csv": (_foreign_csv, ("",)),
    "npy": (_foreign_arrays, (ARRAY, NAMES)),
}
