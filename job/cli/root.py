"""The command line: one subcommand a capability; parse, build a config, call, exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import job
from job.cli.classify import classify, predict
from job.cli.cluster import cluster
from job.cli.compare import compare
from job.cli.cost import cost, prices_option
from job.cli.datasets import clean_names_command, sample_command
from job.cli.doctor import doctor
from job.cli.featurize_options import (
    featurize_config,
    featurize_options,
    images_options,
    network_options,
)
from job.cli.lint import lint
from job.cli.options import (
    common_options,
    input_option,
    output_option,
    together,
)
from job.cli.render import render
from job.cli.similar import similar
from job.cli.spark import application_of, path_given
from job.cli.submit import submit
from job.config import (
    EXPORT_FORMATS,
    RETENTION_HOURS,
    VECTORS,
    CompactConfig,
    DriftConfig,
    ExportConfig,
    FitConfig,
    ProjectConfig,
    ReportConfig,
    RunConfig,
    new_run_id,
)
from job.errors import JobError

INTERRUPTED = 130
# Kubernetes shows what a container wrote here as the reason of its end.
TERMINATION_LOG = Path("/dev/termination-log")

fit_options = together(
    click.option(
        "--variance", default=0.90, show_default=True, help="Keep components up to this share."
    ),
    click.option("--components", type=int, help="Keep this many components instead."),
    click.option(
        "--drift-mean-shift",
        "mean_shift",
        type=float,
        metavar="SD",
        help="Drift: a component's mean moves by more.  [default: the last fit's, at first 0.5]",
    ),
    click.option(
        "--drift-reconstruction",
        "reconstruction",
        type=float,
        metavar="TIMES",
        help="Drift: components miss more than expected.  [default: the last fit's, at first 1.5]",
    ),
    click.option(
        "--drift-outside",
        "outside",
        type=float,
        metavar="SHARE",
        help="Drift: images outside the fitted region.  [default: the last fit's, at first 0.1]",
    ),
)
fail_on_drift_option = click.option(
    "--fail-on-drift",
    is_flag=True,
    help="New images unlike those of the fit end the run with exit code 14, after all is written.",
)
refit_option = click.option(
    "--refit", is_flag=True, help="Fit again, where an earlier run's fit would be kept."
)
csv_option = click.option(
    "--csv-max-rows", default=5_000_000, show_default=True, help="No CSV above this."
)
report_option = click.option(
    "--report-copy", metavar="FILE", help="Write the report to this local file too."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(job.__version__)
def cli() -> None:
    """Labelled images in object storage to CNN features and a PCA of them, on Spark."""


cli.add_command(submit)
cli.add_command(render)
cli.add_command(lint)
cli.add_command(doctor)
cli.add_command(cost)
cli.add_command(compare)
cli.add_command(sample_command)
cli.add_command(clean_names_command)
cli.add_command(cluster)
cli.add_command(similar)
cli.add_command(classify)
cli.add_command(predict)


@cli.command()
@input_option
@output_option
@images_options
@network_options
@featurize_options
@fit_options
@refit_option
@fail_on_drift_option
@csv_option
@report_option
@prices_option
@common_options
def run(**options: Any) -> None:
    """Featurize, fit scaler and PCA, project, export and report, in that order."""
    from job.pipeline import commands

    output_path, run_id = _output(options), _run_id(options)
    config = RunConfig(
        featurize=featurize_config(options, output_path, run_id),
        fit=_fit_config(options, output_path, run_id, refit=options["refit"]),
        export=ExportConfig(output_path, csv_max_rows=options["csv_max_rows"]),
        report=ReportConfig(output_path, options["report_copy"]),
        fail_on_drift=options["fail_on_drift"],
    )
    with application_of("run", config, options, output_path, run_id) as app:
        path = commands.run(app, config)
    _say_report(path)


@cli.command()
@input_option
@output_option
@images_options
@network_options
@featurize_options
@common_options
def featurize(**options: Any) -> None:
    """Write the features and quarantine tables of the images under the input."""
    from job.pipeline import commands

    output_path, run_id = _output(options), _run_id(options)
    config = featurize_config(options, output_path, run_id)
    with application_of("featurize", config, options, output_path, run_id) as app:
        commands.run_featurize(app, config)


@cli.command()
@output_option
@fit_options
@common_options
def fit(**options: Any) -> None:
    """Fit scaler and PCA on the features under the output path, and project them."""
    from job.pipeline import commands

    output_path, run_id = _output(options), _run_id(options)
    config = _fit_config(options, output_path, run_id, refit=True)
    with application_of("fit", config, options, output_path, run_id) as app:
        commands.run_fit(app, config)


@cli.command()
@click.option(
    "--bundle",
    "bundle_path",
    required=True,
    metavar="PATH",
    help="The pca folder of a run's output.",
)
@click.option(
    "--input", "input_path", metavar="PATH", help="New images, featurized into the output first."
)
@output_option
@images_options
@network_options
@featurize_options
@fail_on_drift_option
@common_options
def project(**options: Any) -> None:
    """Project features, or a folder of new images, onto the components of an earlier fit."""
    from job.pipeline import commands

    output_path, run_id = _output(options), _run_id(options)
    images = featurize_config(options, output_path, run_id) if options["input_path"] else None
    bundle_path, fails = path_given(options["bundle_path"]), options["fail_on_drift"]
    config = ProjectConfig(output_path, bundle_path, run_id, images, fails)
    with application_of("project", config, options, output_path, run_id) as app:
        commands.run_project(app, config)


@cli.command()
@output_option
@click.option(
    "--format",
    "file_format",
    type=click.Choice(EXPORT_FORMATS),
    default="csv",
    show_default=True,
)
@click.option(
    "--on",
    "exported",
    type=click.Choice(VECTORS),
    default="pca",
    show_default=True,
    help="Which numbers of each image; features with npy only.",
)
@click.option(
    "--destination",
    metavar="PATH",
    help="Where to: a file for csv, else a folder  "
    "[default, in the output: final_features.csv, npy]",
)
@csv_option
@common_options
def export(**options: Any) -> None:
    """Write the projection as one CSV object, as Parquet, or as an array of NumPy."""
    from job.pipeline import commands

    output_path, run_id = _output(options), _run_id(options)
    destination = path_given(options["destination"]) if options["destination"] else None
    own = ("file_format", "csv_max_rows", "exported")
    config = ExportConfig(
        output_path, destination=destination, **{name: options[name] for name in own}
    )
    with application_of("export", config, options, output_path, run_id) as app:
        commands.run_export(app, config)


@cli.command()
@output_option
@report_option
@prices_option
@common_options
def report(**options: Any) -> None:
    """Write report/index.html of what the output path holds."""
    from job.pipeline import commands

    output_path, run_id = _output(options), _run_id(options)
    config = ReportConfig(output_path, options["report_copy"])
    with application_of("report", config, options, output_path, run_id) as app:
        path = commands.run_report(app, config)
    _say_report(path)


@cli.command()
@output_option
@click.option(
    "--retention-hours",
    default=RETENTION_HOURS,
    show_default=True,
    help="Keep what readers of so long ago may need.",
)
@common_options
def compact(**options: Any) -> None:
    """Rewrite the small files of daily runs as large ones, and delete old files."""
    from job.pipeline import commands

    output_path, run_id = _output(options), _run_id(options)
    config = CompactConfig(output_path, run_id, options["retention_hours"])
    with application_of("compact", config, options, output_path, run_id) as app:
        commands.run_compact(app, config)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; every failure that a person can mend is one line and its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        cli.main(arguments, prog_name="image-features", standalone_mode=False)
    except JobError as error:
        return _fail(str(error), error.exit_code, debug="--debug" in arguments)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted; what is committed stays, the same command goes on", INTERRUPTED)
    return 0


def _fail(message: str, exit_code: int, *, debug: bool = False) -> int:
    if debug:
        traceback.print_exc()
    print(f"image-features: {message}", file=sys.stderr, flush=True)
    if os.access(TERMINATION_LOG, os.W_OK):
        TERMINATION_LOG.write_text(message, encoding="utf-8")
    return exit_code


def _say_report(path: Path | None) -> None:
    """The last line of a run is where its report lies."""
    if path is not None:
        print(f"report: {path}", flush=True)


def _fit_config(
    options: dict[str, Any], output_path: str, run_id: str, *, refit: bool
) -> FitConfig:
    names = ("mean_shift", "reconstruction", "outside")
    drift = DriftConfig(**{name: options[name] for name in names})
    return FitConfig(output_path, run_id, options["variance"], options["components"], refit, drift)


def _output(options: dict[str, Any]) -> str:
    return path_given(options["output_path"])


def _run_id(options: dict[str, Any]) -> str:
    return options["run_id"] or new_run_id()
