"""`image-features classify` and `predict`: classifiers of what a run has made."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

from job.cli.classify_options import classifier_options, split_options
from job.cli.featurize_options import (
    featurize_config,
    featurize_options,
    images_options,
    network_options,
)
from job.cli.options import common_options, output_option
from job.cli.spark import application_of, path_given
from job.config import ClassifyConfig, PredictConfig, SplitConfig, new_run_id


@click.command()
@output_option
@classifier_options
@split_options
@common_options
def classify(**options: Any) -> None:
    """Train and score classifiers on the features under the output path, and save them there."""
    output_path, run_id = path_given(options["output_path"]), options["run_id"] or new_run_id()
    own = ("on", "classifiers", "class_weight", "duplicate_cosine")
    config = ClassifyConfig(
        output_path,
        SplitConfig(**{each.name: options[each.name] for each in fields(SplitConfig)}),
        run_id=run_id,
        **{name: options[name] for name in own},
    )
    # Spark ML is imported only now: --help and wrong options answer at once.
    from job.analysis.classification.classifiers import require_usable
    from job.analysis.classification.console import told_results

    require_usable(config.classifiers)
    with application_of("classify", config, options, output_path, run_id) as app:
        from job.pipeline import commands

        results = commands.run_classify(app, config)
    click.echo("\n".join(told_results(results)))


@click.command()
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
    output_path, run_id = path_given(options["output_path"]), options["run_id"] or new_run_id()
    images = featurize_config(options, output_path, run_id) if options["input_path"] else None
    model_path, below = path_given(options["model_path"]), options["low_confidence"]
    config = PredictConfig(output_path, model_path, run_id, below, images)
    with application_of("predict", config, options, output_path, run_id) as app:
        from job.analysis.classification.console import told_predictions
        from job.pipeline import commands

        predicted = commands.run_predict(app, config)
        told = told_predictions(predicted, below, app.layout.low_confidence)
    click.echo("\n".join(told))
