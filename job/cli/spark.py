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


# Options that are paths: of configs, of `clean-names` and of `similar`.
_PATH_OPTIONS = (*LOCATIONS, "mapping_path", "resumed_path", "image_path")


@contextmanager
def spark_session_for(
    command: str, options: Mapping[str, Any], output_path: str
) -> Iterator[SparkSession]:
    """A session with the settings of `options`; an existing session is used, and not stopped.

    Raises failures of Spark and its storage as JobErrors.
    """
    # A late import of Spark: --help and errors in options must not wait for it.
    from pyspark.sql import SparkSession

    from job.runtime.session import session_settings, start_session
    from job.runtime.spark_errors import STORAGE_EXCEPTIONS, as_job_error, start_error

    is_new = SparkSession.getActiveSession() is None
    settings = session_settings(spark_settings(options["conf"]), options["master"])
    check_storage(options, settings)
    try:
        spark = start_session(f"image-features {command}", settings)
    except STORAGE_EXCEPTIONS as error:
        event_log = settings.get("spark.eventLog.dir", "the event log")
        raise start_error(error, event_log) from error
    if is_new:
        # PySpark's handler calls the JVM to cancel jobs, which fails inside another call.
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield spark
    except KeyboardInterrupt:
        # Interrupted jobs would log stack traces.
        spark.sparkContext.setLogLevel("OFF")
        raise
    except STORAGE_EXCEPTIONS as error:
        raise as_job_error(error, output_path) or error from error
    finally:
        if is_new:
            # The JVM may have died.
            with suppress(*STORAGE_EXCEPTIONS):
                spark.stop()


def execute(
    command: str, config: Any, options: Mapping[str, Any], output_path: str, run_id: str
) -> Any:
    """Run a command that writes to an output; returns its result.

    `options` are the options of the command line. Returns None, and does nothing, if the run id
    is already complete.
    """
    from job.analysis.cost.prices import read_prices

    prices_file = options.get("prices")
    prices = read_prices(prices_file) if prices_file else None
    _import_in_background()
    with spark_session_for(f"{command} {run_id}", options, output_path) as spark:
        from job.pipeline.commands import COMMANDS
        from job.pipeline.run import RunOptions, complete_summary

        # A generated id is new, and needs no look-up.
        summary = options["run_id"] and complete_summary(spark, command, output_path, run_id)
        if summary:
            message = f"run {run_id} is complete already: nothing is done"
            print(message, file=sys.stderr, flush=True)
            summary.print_table(Console())
            return None
        return COMMANDS[command](
            spark, config, RunOptions(run_id, options["lease_seconds"], prices)
        )


def check_storage(options: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    """Check, before any access to storage, that DNS knows its hosts and its regions are allowed."""
    paths = [options.get(name) or "" for name in _PATH_OPTIONS]
    paths += options.get("output_paths") or ()
    allowed = regions.parse_patterns(options["allowed_regions"])
    s3_address.require_hosts(paths, settings)
    if allowed:
        regions.require_buckets_allowed(paths, settings, allowed)


def _import_in_background() -> None:
    """Import the commands while Java starts: both take more than a second."""
    # First in this thread: PySpark has circular imports, and two threads that import it at the
    # same time may see half-initialized modules.
    import_module("pyspark.sql")
    threading.Thread(target=import_module, args=("job.pipeline.commands",), daemon=True).start()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # py4j would log the interrupted call with a traceback.
    logging.disable(logging.CRITICAL)
    raise KeyboardInterrupt
