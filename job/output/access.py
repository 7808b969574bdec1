"""Checks of an output before a run: whether it is writable and has the required tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from job.errors import AccessDeniedError, InputNotFoundError, InvalidValueError
from job.layout import Layout
from job.output.table_files import is_table
from job.paths import folder_of
from job.runtime import filesystem
from job.runtime.spark_errors import as_job_error


def require_features(spark: SparkSession, layout: Layout) -> None:
    """Raise InputNotFoundError if the output has no features table.

    Raises DamagedTableError if the table has files but no commit.
    """
    _require(
        layout,
        layout.features,
        lambda: is_table(spark, layout.features),
        expected="the features of an earlier run",
        fix="run `image-features featurize` with this --output first",
    )


def require_projection(spark: SparkSession, layout: Layout) -> None:
    """Raise InputNotFoundError if the output has no projection."""
    _require(
        layout,
        layout.projection,
        lambda: filesystem.exists(spark, f"{layout.projection}/_SUCCESS"),
        expected="the projection of an earlier run",
        fix="run `image-features fit` or `project` with this --output first",
    )


def require_own_output(spark: SparkSession, layout: Layout) -> None:
    """Raise InvalidValueError if a run would overwrite files of other programs.

    A folder with a lease or a features table is the output of an earlier run.
    """
    with writing_to(layout.root):
        # Hadoop treats a bucket as a folder only with a trailing slash.
        root = folder_of(layout.root)
        names = set(filesystem.names(spark, root)) if filesystem.exists(spark, root) else set()
        existing = [path for path in layout.own_paths if path.rpartition("/")[2] in names]
        is_ours = not existing or layout.lease in existing
        if is_ours or filesystem.exists(spark, f"{layout.features}/_delta_log"):
            return
    raise InvalidValueError(
        f"--output {layout.root} has files that no run wrote, under names that a run overwrites: "
        f"{', '.join(existing)}",
        expected="a new folder, or the output of earlier runs",
        fix="choose another --output, or move these files",
    )


def _require(
    layout: Layout, folder: str, exists: Callable[[], bool], *, expected: str, fix: str
) -> None:
    """Raise InputNotFoundError unless `exists()`; runs before the lease creates an object."""
    with writing_to(layout.root):
        is_missing = not exists()
    if is_missing:
        raise InputNotFoundError(f"{folder} does not exist", expected=expected, fix=fix)


def check_output(spark: SparkSession, output_path: str, folder: str) -> None:
    """Write and delete a small object in `folder`, which is under the output path.

    Raises AccessDeniedError, InputNotFoundError (no bucket) or TransportError.
    """
    probe(spark, output_path, f"{folder}/probe")


def probe(spark: SparkSession, folder: str, path: str) -> None:
    """Write and delete the small object `path`, which is below `folder`.

    Raises the errors of `check_output`, for `folder`.
    """
    with writing_to(folder):
        filesystem.write_bytes(spark, path, b"image-features")
        filesystem.delete(spark, path)


@contextmanager
def writing_to(output_path: str) -> Iterator[None]:
    """Translate the errors of the first requests to an output into errors that name it."""
    try:
        yield
    except (Py4JError, OSError) as error:
        raise as_job_error(error, output_path) or AccessDeniedError(
            f"{output_path} cannot be written: {str(error).splitlines()[0][:200]}",
            expected="a writable path",
            fix="check --output and its permissions",
        ) from error
