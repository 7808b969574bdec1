"""`image-features cost`: what a finished run used and what that costs, from its event log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from job.analysis.cost import prices as price_table
from job.analysis.cost.bill import StoredOutput, compute_bill
from job.analysis.cost.estimate import estimate_usage
from job.analysis.cost.event_log import usage_from_log
from job.analysis.cost.formatting import as_json, bill_table, estimate_table
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
    """Show what a run used and what it costs on demand, on spot and with EMR.

    EVENT_LOG is a file or a folder that Spark wrote to spark.eventLog.dir, local or on S3.
    """
    # These import pyarrow and an S3 client; --help must not wait for them.
    from job.analysis.cost.log_files import find_log_files
    from job.analysis.cost.storage import Storage

    if executors is not None and for_images is None:
        raise InvalidValueError(
            "--executors needs an estimate",
            expected="--for-images N together with --executors",
            fix="add --for-images, or omit --executors",
        )
    price_list = price_table.read_prices(prices or price_table.EXAMPLE, instance)
    storage = Storage(spark_settings(conf))
    files = find_log_files(storage, event_log)
    usage = usage_from_log(files.lines(), in_progress=files.in_progress)
    if images is not None:
        usage = replace(usage, images=images)
    stored_output = None
    if output_path is not None:
        objects = storage.list_objects(output_path)
        stored_output = StoredOutput(len(objects), sum(entry.length for entry in objects))
    estimate = None
    if for_images is not None:
        estimate = compute_bill(estimate_usage(usage, for_images, executors), price_list)
    bill = compute_bill(usage, price_list, stored_output)
    if json_output:
        click.echo(as_json(bill, estimate))
    else:
        Console().print(bill_table(bill))
        if estimate is not None:
            Console().print(estimate_table(estimate))
    if prices is None:
        click.echo(f"prices are the examples of {price_table.EXAMPLE}; see --prices", err=True)
