"""`image-features export`, `report` and `compact`: commands on the tables of an output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from job.cli.config_options import build, config_options
from job.cli.options import common_options, prices_option, run_id_of
from job.cli.spark import execute
from job.config import CompactConfig, ExportConfig, ReportConfig


@click.command()
@config_options(ExportConfig)
@common_options
def export(**options: Any) -> None:
    """Write the projection as one CSV object, as Parquet, or as a NumPy array."""
    run_id = run_id_of(options)
    config = build(ExportConfig, options)
    execute("export", config, options, config.output_path, run_id)


@click.command()
@config_options(ReportConfig)
@prices_option
@common_options
def report(**options: Any) -> None:
    """Write report/index.html for the content of the output path."""
    run_id = run_id_of(options)
    config = build(ReportConfig, options)
    print_report_path(execute("report", config, options, config.output_path, run_id))


@click.command()
@config_options(CompactConfig)
@common_options
def compact(**options: Any) -> None:
    """Merge the small files of daily runs into large ones, and delete old files."""
    run_id = run_id_of(options)
    config = build(CompactConfig, options, run_id=run_id)
    execute("compact", config, options, config.output_path, run_id)


def print_report_path(path: Path | None) -> None:
    """Print the path of the report, the last line of a run."""
    if path is not None:
        print(f"report: {path}", flush=True)
