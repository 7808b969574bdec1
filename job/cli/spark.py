"""Starts Spark for one command, runs the command, and translates failures of Spark."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console

from job import regions, s3_address
from job.cli.options import spark_settings
from job.config import LOCATIONS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


# Those of configs, of clean-names, and the image of `similar`.
_PATHS = (*LOCATIONS, "mapping_path", "resumed_path", "image_path")


@contextmanager
def spark_of(command: str, options: Mapping[str, Any], output_path: str) -> Iterator[SparkSession]:
    """The session that `options` ask for; one that was there before stays.

    Failures of Spark and its storage leave as the JobError that they stand for.
    """
    # Spark is imported only now: --help and wrong options answer at once.
    from pyspark.sql import SparkSession

    from job.runtime.session import session_settings, start_session
    from job.runtime.spark_errors import STORAGE_EXCEPTIONS, as_job_error

    ours = SparkSession.getActiveSession() is None
    settings = session_settings(spark_settings(options["conf"]), options["master"])
    check_storage(options, settings)
    spark = start_session(f"image-features {command}", settings)
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


def execute(
    command: str, config: Any, options: Mapping[str, Any], output_path: str, run_id: str
) -> Any:
    """Run one command that writes to an output; returns its result.

    `options` are those of the command line. A run id that is complete already is not run again:
    that is None.
    """
    from job.analysis.cost.prices import read_prices

    given = options.get("prices")
    prices = read_prices(given) if given else None
    _import_in_background()
    with spark_of(f"{command} {run_id}", options, output_path) as spark:
        from job.pipeline.commands import COMMANDS
        from job.pipeline.run import RunOptions, complete_summary

        # An id that the user did not choose is new.
        before = options["run_id"] and complete_summary(spark, command, output_path, run_id)
        if before:
            message = f"run {run_id} is complete already: nothing is done"
            print(message, file=sys.stderr, flush=True)
            before.print_table(Console())
            return None
        return COMMANDS[command](
            spark, config, RunOptions(run_id, options["lease_seconds"], prices)
        )


def check_storage(options: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    """Before storage is reached: its hosts have names, and no bucket is in a region not allowed."""
    paths = [options.get(name) or "" for name in _PATHS]
    paths += options.get("output_paths") or ()
    allowed = regions.parse_patterns(options["allowed_regions"])
    s3_address.require_hosts(paths, settings)
    if allowed:
        regions.require_buckets_allowed(paths, settings, allowed)


def path_given(path: str) -> str:
    """The canonical spelling of a path that a person typed."""
    from job.paths import canonical_path

    return canonical_path(path)


def _import_in_background() -> None:
    """Import what an application needs while Java starts: either takes more than a second."""
    # Of packages whose modules import each other, two threads that start at once may see a half.
    import_module("pyspark.sql")
    threading.Thread(target=import_module, args=("job.pipeline.commands",), daemon=True).start()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # py4j logs, with a traceback, that a call was interrupted; one line of ours says that.
    logging.disable(logging.CRITICAL)
    raise KeyboardInterrupt
