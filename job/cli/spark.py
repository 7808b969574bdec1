"""The Spark session of one command, and its application: made when it begins, failures told."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console

from job import regions
from job.cli.options import spark_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from job.pipeline.commands import Application

_PATHS = (
    "input_path",
    "output_path",
    "bundle_path",
    "model_path",
    "destination",
    "mapping_path",
    "resumed_path",
    "image_path",
)


@contextmanager
def spark_of(command: str, options: Mapping[str, Any], output_path: str) -> Iterator[SparkSession]:
    """The session that `options` ask for; one that was there before stays.

    Failures of Spark and its storage leave as the JobError that they stand for.
    """
    # Spark is imported only now: --help and wrong options answer at once.
    from pyspark.sql import SparkSession

    from job.runtime.session import spark_session
    from job.runtime.spark_errors import STORAGE_EXCEPTIONS, as_job_error

    ours = SparkSession.getActiveSession() is None
    name, settings = f"image-features {command}", spark_settings(options["conf"])
    spark = spark_session(name, settings, options["master"], partial(check_regions, options))
    if ours:
        # PySpark's own handler asks the JVM to cancel jobs, from within a call to it, and fails.
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield spark
    except KeyboardInterrupt:
        # What is stopped in its midst ends in stack traces of Spark's, which say nothing new.
        spark.sparkContext.setLogLevel("OFF")
        raise
    except STORAGE_EXCEPTIONS as error:
        raise as_job_error(error, output_path) or error from error
    finally:
        if ours:
            # Where the JVM has died there is nothing to stop.
            with suppress(*STORAGE_EXCEPTIONS):
                spark.stop()


@contextmanager
def application_of(
    command: str, config: Any, options: Mapping[str, Any], output_path: str, run_id: str
) -> Iterator[Application]:
    """The application of one command that writes to an output; `options` has those of them all."""
    from job.analysis.cost.prices import read_prices

    given = options.get("prices")
    prices = read_prices(given) if given else None
    _begin_imports()
    with spark_of(f"{command} {run_id}", options, output_path) as spark:
        from job.pipeline.commands import application, is_complete

        claim_seconds = options["claim_seconds"]
        app = application(spark, command, config, output_path, run_id, claim_seconds, prices)
        try:
            # An id that nobody chose is new.
            if options["run_id"] and is_complete(app):
                told = f"run {run_id} is complete already: nothing is done"
                print(told, file=sys.stderr, flush=True)
                raise click.exceptions.Exit(0)
            yield app
        finally:
            app.summary.print_table(Console())


def check_regions(options: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    """Before storage is reached: nothing is read from or written to a region not allowed."""
    allowed = regions.patterns(options["allowed_regions"])
    if allowed:
        paths = [options.get(name) or "" for name in _PATHS]
        paths += options.get("output_paths") or ()
        regions.require_buckets(paths, settings, allowed)


def path_given(path: str) -> str:
    """The canonical spelling of a path that a person typed."""
    from job.paths import canonical_path

    return canonical_path(path)


def _begin_imports() -> None:
    """Import what an application needs while Java starts: either takes more than a second."""
    # Of packages whose modules import each other, two threads that begin at once may see a half.
    import_module("pyspark.sql")
    threading.Thread(target=import_module, args=("job.pipeline.commands",), daemon=True).start()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # py4j logs, with a traceback, that a call was interrupted; one line of ours says that.
    logging.disable(logging.CRITICAL)
    raise KeyboardInterrupt
