"""What is asked of an output before anything is written: may it be written, is a table there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from job.errors import AccessDeniedError, InputNotFoundError
from job.output.layout import Layout
from job.runtime import filesystem
from job.runtime.spark_errors import as_job_error


def require_features(spark: SparkSession, layout: Layout) -> None:
    """Raise InputNotFoundError where the output has no features table."""
    _require(
        spark,
        layout,
        f"{layout.features}/_delta_log",
        expected="the features of an earlier run",
        fix="run `image-features featurize` with this --output first",
    )


def require_projection(spark: SparkSession, layout: Layout) -> None:
    """Raise InputNotFoundError where the output has no projection."""
    _require(
        spark,
        layout,
        f"{layout.projection}/_SUCCESS",
        expected="the projection of an earlier run",
        fix="run `image-features fit` or `project` with this --output first",
    )


def _require(spark: SparkSession, layout: Layout, proof: str, *, expected: str, fix: str) -> None:
    """Looked for before the output is claimed: a claim is an object, where there may be nothing."""
    with writing_to(layout.root):
        found = filesystem.exists(spark, proof)
    if not found:
        folder = proof.rpartition("/")[0]
        raise InputNotFoundError(f"{folder} does not exist", expected=expected, fix=fix)


def check_output(spark: SparkSession, output_path: str, run_id: str) -> None:
    """Write and delete a small object under the output path.

    Raises AccessDeniedError, InputNotFoundError (no bucket) or TransportError.
    """
    probe(spark, output_path, f"{Layout(output_path).staging(run_id)}/probe")


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
