"""Checks of an output before a run: may it be written, is a table there."""

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
    """Raise InputNotFoundError where the output has no features table.

    Raises DamagedTableError where it has files of one, but no commit.
    """
    _require(
        layout,
        layout.features,
        lambda: is_table(spark, layout.features),
        expected="the features of an earlier run",
        fix="run `image-features featurize` with this --output first",
    )


def require_projection(spark: SparkSession, layout: Layout) -> None:
    """Raise InputNotFoundError where the output has no projection."""
    _require(
        layout,
        layout.projection,
        lambda: filesystem.exists(spark, f"{layout.projection}/_SUCCESS"),
        expected="the projection of an earlier run",
        fix="run `image-features fit` or `project` with this --output first",
    )


def require_own_output(spark: SparkSession, layout: Layout) -> None:
    """Raise InvalidValueError where files of others lie under names that a run overwrites.

    A folder that a run has used before, or that has a features table, is an output already.
    """
    with writing_to(layout.root):
        # With a slash at its end a bucket is a folder of Hadoop.
        root = folder_of(layout.root)
        names = set(filesystem.names(spark, root)) if filesystem.exists(spark, root) else set()
        found = [path for path in layout.own_paths if path.rpartition("/")[2] in names]
        is_ours = not found or layout.lease in found
        if is_ours or filesystem.exists(spark, f"{layout.features}/_delta_log"):
            return
    raise InvalidValueError(
        f"--output {layout.root} has files under names of results, and no run made them: "
        f"{', '.join(found)}",
        expected="a new folder, or the output of earlier runs",
        fix="choose another --output, or move what is there",
    )


def _require(
    layout: Layout, folder: str, is_there: Callable[[], bool], *, expected: str, fix: str
) -> None:
    """Checked before the lease is acquired: that writes an object, where there may be nothing."""
    with writing_to(layout.root):
        found = is_there()
    if not found:
        raise InputNotFoundError(f"{folder} does not exist", expected=expected, fix=fix)


def check_output(spark: SparkSession, output_path: str, folder: str) -> None:
    """Write and delete a small object in `folder`, which is under the output path.

    Raises AccessDeniedError, InputNotFoundError (no bucket) or TransportError.
    """
    probe(spark, output_path, f"{folder}/probe")


def probe(spark: SparkSession, folder: str, path: str) -> None:
    """Write and delete the small object `path`, which is somewhere in `folder`.

    Raises what `check_output` raises, in the name of `folder`.
    """
    with writing_to(folder):
        filesystem.write_bytes(spark, path, b"image-features")
        filesystem.delete(spark, path)


@contextmanager
def writing_to(output_path: str) -> Iterator[None]:
    """The first writes under an output: what fails is told as the output's."""
    try:
        yield
    except (Py4JError, OSError) as error:
        raise as_job_error(error, output_path) or AccessDeniedError(
            f"{output_path} cannot be written: {str(error).splitlines()[0][:200]}",
            expected="a path that may be written",
            fix="check --output and the rights on it",
        ) from error
