"""`image-features cost`: what a finished run used and what that costs, from its event log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from job.analysis.cost import prices as price_table
from job.analysis.cost.bill import Stored, bill
from job.analysis.cost.estimate import estimate
from job.analysis.cost.event_log import usage_of_log
from job.analysis.cost.formatting import as_json, estimate_table, table
from job.cli.options import conf_option, prices_option, spark_settings
from job.errors import InvalidValueError


@click.command()
@click.argument("event_log", metavar="EVENT_LOG")
@prices_option
@click.option(
    "--instance",
    metavar="TYPE",
    show_default="that of the price table",
    help="Instance type to price.",
)
@click.option(
    "--images",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="that of the log",
    help="Number of images of the run.",
)
@click.option("--output", "output_path", metavar="PATH", help="Also price this output's storage.")
@click.option(
    "--for-images",
    type=click.IntRange(min=1),
    metavar="N",
    help="Also estimate the time and cost of this many images.",
)
@click.option(
    "--executors",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="those of the log",
    help="Number of executors of that estimate.",
)
@conf_option
@click.option("--json", "json_output", is_flag=True, help="Print one JSON object.")
def cost(
    event_log: str,
    prices: Path | None,
    instance: str | None,
    images: int | None,
    output_path: str | None,
    for_images: int | None,
    executors: int | None,
    conf: tuple[str, ...],
    json_output: bool,
) -> None:
    """Say what a run used, and what that costs: on demand, on spot, and with EMR.

    EVENT_LOG is a file or a folder that Spark wrote to spark.eventLog.dir, local or on S3.
    """
    # pyarrow and what reads S3: --help need not wait for them.
    from job.analysis.cost.log_files import log_files
    from job.analysis.cost.storage import Storage

    if executors is not None and for_images is None:
        raise InvalidValueError(
            "--executors is of an estimate, and none is asked for",
            expected="--for-images N beside it",
            fix="add it, or leave --executors out",
        )
    known = price_table.read_prices(prices or price_table.EXAMPLE, instance)
    storage = Storage(spark_settings(conf))
    files = log_files(storage, event_log)
    used = usage_of_log(files.lines(), in_progress=files.in_progress)
    if images is not None:
        used = replace(used, images=images)
    stored = None
    if output_path is not None:
        found = storage.below(output_path)
        stored = Stored(len(found), sum(each.length for each in found))
    estimated = None if for_images is None else bill(estimate(used, for_images, executors), known)
    result = bill(used, known, stored)
    if json_output:
        click.echo(as_json(result, estimated))
    else:
        Console().print(table(result))
        if estimated is not None:
            Console().print(estimate_table(estimated))
    if prices is None:
        click.echo(f"prices are the examples of {price_table.EXAMPLE}; see --prices", err=True)
