"""Checks the destination of an export: a new path, or an earlier export to replace."""

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

# Spark's names in a Parquet folder: files, with `.crc` on a local disk, and temporary folders.
_PARQUET_FILE = re.compile(r"\.?(part-.*\.parquet|_SUCCESS)(\.crc)?")
_UNFINISHED_FOLDER = re.compile(r"_temporary|__magic.*")
_HEADER = f"{schemas.PATH},{schemas.LABEL}".encode()


def require_free(spark: SparkSession, config: ExportConfig, images: tuple[str, str] | None) -> None:
    """Raise InvalidValueError if an export must not write to its destination.

    It may replace an earlier export in the same format, also of an older release, and nothing
    else. `images` is the input path and the glob of the output's last run, which must not list
    the exported files. Destinations inside the output are always allowed.
    """
    destination, file_format = config.destination, config.file_format
    if destination is None or is_within(destination, config.output_path):
        return
    find_conflict, names = _FORMATS[file_format]
    written = [f"{destination}/{name}".rstrip("/") for name in names]
    if images is not None and is_listed(*images, *written):
        raise InvalidValueError(
            f"--destination {destination} lies in the input {images[0]}: the next run would take "
            "the export for images",
            expected="a path outside the input",
            fix="choose another --destination",
        )
    try:
        conflict = find_conflict(spark, destination)
    except STORAGE_EXCEPTIONS as error:
        raise as_job_error(error, destination) or error from error
    if conflict:
        raise InvalidValueError(
            f"--destination {destination} {conflict}",
            expected=f"a new path, or an earlier export with --format {file_format}",
            fix="choose another --destination, or move the existing files",
        )


def _parquet_conflict(spark: SparkSession, folder: str) -> str | None:
    """Why a Parquet export must not replace `folder`; None if it may."""
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
    return _result_conflict(spark, folder)


def _is_projection(spark: SparkSession, folder: str) -> bool:
    """Whether all files of `folder` have the columns of an export."""
    try:
        schema = spark.read.option("mergeSchema", "true").parquet(folder).schema
    except (Py4JJavaError, PySparkException) as error:
        # A storage failure says nothing about the files.
        if as_job_error(error, folder) is not None:
            raise
        return False
    return _columns(schema) == _columns(schemas.PROJECTION_SCHEMA)


def _columns(schema: StructType) -> list[tuple[str, str]]:
    return [(field.name, field.dataType.simpleString()) for field in schema]


def _csv_conflict(spark: SparkSession, file: str) -> str | None:
    """Why a CSV export must not replace `file`; None if it may."""
    if not filesystem.exists(spark, file):
        return None
    if not filesystem.is_file(spark, file):
        return "is a folder"
    if filesystem.read_bytes(spark, file, max_bytes=len(_HEADER)) not in (b"", _HEADER):
        return "is a file that no export wrote"
    return _result_conflict(spark, file)


def _array_conflict(spark: SparkSession, folder: str) -> str | None:
    """Why an array export must not replace its two files in `folder`; None if it may.

    An export writes labels.csv first, so an array without it is not an export.
    """
    if filesystem.is_file(spark, folder):
        return "is a file"
    names = f"{folder}/{NAMES}"
    if filesystem.exists(spark, names):
        conflict = _csv_conflict(spark, names)
        return f"holds {NAMES}, which {conflict}" if conflict else _result_conflict(spark, folder)
    if filesystem.exists(spark, f"{folder}/{ARRAY}"):
        return f"holds {ARRAY}, which no export wrote"
    return None


def _result_conflict(spark: SparkSession, path: str) -> str | None:
    """Why `path` must not be replaced if it is a result of other runs; None if it is not."""
    parent = path.rpartition("/")[0]
    with suppress(AccessDeniedError):
        if _exists(spark, f"{Layout(parent).features}/_delta_log"):
            return f"is a result in the output {parent}"
    return None


def _exists(spark: SparkSession, path: str) -> bool:
    """Whether `path` exists. Raises AccessDeniedError: a parent folder may not be readable."""
    try:
        return filesystem.exists(spark, path)
    except Py4JError as error:
        raise as_job_error(error, path) or error from error


# For each format: its check, and the names of its files (csv: the destination itself).
_FORMATS: Mapping[str, tuple[Callable[[SparkSession, str], str | None], tuple[str, ...]]] = {
    "parquet": (_parquet_conflict, ("part-00000-0-c000.snappy.parquet",)),
    "csv": (_csv_conflict, ("",)),
    "npy": (_array_conflict, (ARRAY, NAMES)),
}
