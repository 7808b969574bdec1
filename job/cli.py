"""The command line: one subcommand a capability; parse, build a config, call, exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

import job
from job.classification.options import classifier_options, split_options
from job.config import (
    READERS,
    RETENTION_HOURS,
    ClassifyConfig,
    CompactConfig,
    ExportConfig,
    FeaturizeConfig,
    FitConfig,
    ImagesConfig,
    NetworkConfig,
    PredictConfig,
    ProjectConfig,
    ReportConfig,
    RunConfig,
    SplitConfig,
    new_run_id,
)
from job.cost.command import cost, prices_option
from job.datasets.commands import clean_names_command, sample_command
from job.doctor.command import doctor
from job.errors import JobError
from job.options import (
    allowed_regions_option,
    conf_option,
    debug_option,
    glob_option,
    input_option,
    label_level_option,
    master_option,
    output_option,
    together,
)
from job.spark_command import path_given, spark_of
from job.submit.commands import submit
from job.submit.lint.command import lint
from job.submit.render_command import render

if TYPE_CHECKING:
    from job.pipeline import Application

INTERRUPTED = 130
# Kubernetes shows what a container wrote here as the reason of its end.
TERMINATION_LOG = Path("/dev/termination-log")
_IMAGES = ImagesConfig("")
_FEATURIZE = FeaturizeConfig("", _IMAGES)


images_options = together(
    glob_option,
    label_level_option,
    click.option(
        "--reader",
        type=click.Choice(READERS),
        default=_IMAGES.reader,
        show_default=True,
        help="concurrent: workers fetch many objects at once; s3a: Spark's binaryFile; "
        "auto: concurrent, or s3a where an fs.s3a setting asks for it.",
    ),
    click.option("--exif-rotate", is_flag=True, help="Turn images as their EXIF orientation says."),
    click.option("--max-image-bytes", default=_IMAGES.max_image_bytes, show_default=True),
    click.option("--max-image-pixels", default=_IMAGES.max_image_pixels, show_default=True),
)
network_options = together(
    click.option("--backbone", default="mobilenet_v2", show_default=True, help="Which network."),
    click.option(
        "--weights",
        metavar="FILE",
        help="A Keras weights file of the backbone  [default: the shipped one]",
    ),
    click.option(
        "--batch-size",
        default=NetworkConfig().batch_size,
        show_default=True,
        help="Images a forward pass.",
    ),
)
featurize_options = together(
    click.option(
        "--max-bad-fraction",
        default=_FEATURIZE.max_bad_fraction,
        show_default=True,
        help="More bad images than this share end the run with exit code 6, after all is written.",
    ),
    click.option(
        "--portion-images",
        default=_FEATURIZE.portion_images,
        show_default=True,
        help="Images committed at a time: what a crash can lose.",
    ),
    click.option(
        "--compact-above",
        default=_FEATURIZE.compact_above,
        show_default=True,
        metavar="FILES",
        help="Compact the tables when they have so many files more than their rows need.",
    ),
    click.option(
        "--refeaturize", is_flag=True, help="Featurize all images again, with another network too."
    ),
    click.option(
        "--allow-drop",
        is_flag=True,
        help="Drop rows even if more than 10 % of the images are gone.",
    ),
    click.option("--keep-deleted", is_flag=True, help="Keep the rows of images that are gone."),
)
fit_options = together(
    click.option(
        "--variance", default=0.90, show_default=True, help="Keep components up to this share."
    ),
    click.option("--components", type=int, help="Keep this many components instead."),
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
common_options = together(
    click.option(
        "--run-id",
        envvar="IMAGE_FEATURES_RUN_ID",
        metavar="ID",
        help="Name of this run  [default: time and a random part]",
    ),
    conf_option,
    master_option,
    click.option(
        "--claim-seconds",
        type=click.FloatRange(min=1),
        default=60,
        show_default=True,
        help="Another run may take over the output when this one was silent for so long.",
    ),
    allowed_regions_option,
    debug_option,
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
cli.add_command(sample_command)
cli.add_command(clean_names_command)


@cli.command()
@input_option
@output_option
@images_options
@network_options
@featurize_options
@fit_options
@refit_option
@csv_option
@report_option
@prices_option
@common_options
def run(**options: Any) -> None:
    """Featurize, fit scaler and PCA, project, export and report, in that order."""
    from job import pipeline

    output_path, run_id = _output(options), _run_id(options)
    config = RunConfig(
        featurize=_featurize_config(options, output_path, run_id),
        fit=FitConfig(
            output_path, run_id, options["variance"], options["components"], options["refit"]
        ),
        export=ExportConfig(output_path, csv_max_rows=options["csv_max_rows"]),
        report=ReportConfig(output_path, options["report_copy"]),
    )
    with _application("run", config, options, output_path, run_id) as app:
        path = pipeline.run(app, config)
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
    from job import pipeline

    output_path, run_id = _output(options), _run_id(options)
    config = _featurize_config(options, output_path, run_id)
    with _application("featurize", config, options, output_path, run_id) as app:
        pipeline.run_featurize(app, config)


@cli.command()
@output_option
@fit_options
@common_options
def fit(**options: Any) -> None:
    """Fit scaler and PCA on the features under the output path, and project them."""
    from job import pipeline

    output_path, run_id = _output(options), _run_id(options)
    config = FitConfig(output_path, run_id, options["variance"], options["components"])
    with _application("fit", config, options, output_path, run_id) as app:
        pipeline.run_fit(app, config)


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
@common_options
def project(**options: Any) -> None:
    """Project features, or a folder of new images, onto the components of an earlier fit."""
    from job import pipeline

    output_path, run_id = _output(options), _run_id(options)
    images = _featurize_config(options, output_path, run_id) if options["input_path"] else None
    config = ProjectConfig(output_path, path_given(options["bundle_path"]), run_id, images)
    with _application("project", config, options, output_path, run_id) as app:
        pipeline.run_project(app, config)


@cli.command()
@output_option
@classifier_options
@split_options
@common_options
def classify(**options: Any) -> None:
    """Train and score classifiers on the features under the output path, and save them there."""
    from job import pipeline
    from job.classification.classifiers import require_usable
    from job.classification.told import told_results

    output_path, run_id = _output(options), _run_id(options)
    own = ("on", "classifiers", "class_weight", "duplicate_cosine")
    config = ClassifyConfig(
        output_path,
        SplitConfig(**{each.name: options[each.name] for each in fields(SplitConfig)}),
        run_id=run_id,
        **{name: options[name] for name in own},
    )
    require_usable(config.classifiers)
    with _application("classify", config, options, output_path, run_id) as app:
        results = pipeline.run_classify(app, config)
    _say(told_results(results))


@cli.command()
@click.option(
    "--model",
    "model_path",
    required=True,
    metavar="PATH",
    help="A folder under `classifiers` of a run's output.",
)
@click.option(
    "--input", "input_path", metavar="PATH", help="New images, featurized into the output first."
)
@click.option(
    "--low-confidence",
    default=PredictConfig.low_confidence,
    show_default=True,
    help="List the images whose most probable class is less probable.",
)
@output_option
@images_options
@network_options
@featurize_options
@common_options
def predict(**options: Any) -> None:
    """Predict the class of features, or of a folder of new images, by a saved classifier."""
    from job import pipeline
    from job.classification.told import told_predictions

    output_path, run_id = _output(options), _run_id(options)
    images = _featurize_config(options, output_path, run_id) if options["input_path"] else None
    model_path, below = path_given(options["model_path"]), options["low_confidence"]
    config = PredictConfig(output_path, model_path, run_id, below, images)
    with _application("predict", config, options, output_path, run_id) as app:
        predicted = pipeline.run_predict(app, config)
        listed = app.layout.low_confidence
    _say(told_predictions(predicted, below, listed))


@cli.command()
@output_option
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "parquet"]),
    default="csv",
    show_default=True,
)
@click.option(
    "--destination", metavar="PATH", help="Where to  [default: final_features.csv in the output]"
)
@csv_option
@common_options
def export(**options: Any) -> None:
    """Write the projection as one CSV object, or as Parquet."""
    from job import pipeline

    output_path, run_id = _output(options), _run_id(options)
    destination = path_given(options["destination"]) if options["destination"] else None
    config = ExportConfig(output_path, options["file_format"], destination, options["csv_max_rows"])
    with _application("export", config, options, output_path, run_id) as app:
        pipeline.run_export(app, config)


@cli.command()
@output_option
@report_option
@prices_option
@common_options
def report(**options: Any) -> None:
    """Write report/index.html of what the output path holds."""
    from job import pipeline

    output_path, run_id = _output(options), _run_id(options)
    config = ReportConfig(output_path, options["report_copy"])
    with _application("report", config, options, output_path, run_id) as app:
        path = pipeline.run_report(app, config)
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
    from job import pipeline

    output_path, run_id = _output(options), _run_id(options)
    config = CompactConfig(output_path, run_id, options["retention_hours"])
    with _application("compact", config, options, output_path, run_id) as app:
        pipeline.run_compact(app, config)


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


@contextmanager
def _application(
    command: str, config: Any, options: dict[str, Any], output_path: str, run_id: str
) -> Iterator[Application]:
    """The application of one command; a Spark session that was there before stays."""
    from job.cost.prices import read_prices

    given = options.get("prices")
    prices = read_prices(given) if given else None
    with spark_of(f"{command} {run_id}", options, output_path) as spark:
        # Spark is imported only now: --help and wrong options answer at once.
        from job.pipeline import application, is_complete

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


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _say_report(path: Path | None) -> None:
    """The last line of a run is where its report lies."""
    if path is not None:
        print(f"report: {path}", flush=True)


def _featurize_config(options: dict[str, Any], output_path: str, run_id: str) -> FeaturizeConfig:
    images = ImagesConfig(
        input_path=path_given(options["input_path"]),
        **{
            name: options[name]
            for name in (
                "glob",
                "label_level",
                "reader",
                "exif_rotate",
                "max_image_bytes",
                "max_image_pixels",
            )
        },
    )
    return FeaturizeConfig(
        output_path=output_path,
        images=images,
        network=NetworkConfig(options["backbone"], options["weights"], options["batch_size"]),
        run_id=run_id,
        **{
            name: options[name]
            for name in (
                "max_bad_fraction",
                "portion_images",
                "compact_above",
                "refeaturize",
                "allow_drop",
                "keep_deleted",
            )
        },
    )


def _output(options: dict[str, Any]) -> str:
    return path_given(options["output_path"])


def _run_id(options: dict[str, Any]) -> str:
    return options["run_id"] or new_run_id()
