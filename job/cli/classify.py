"""`image-features classify` and `predict`: classifiers of what a run has made."""

from __future__ import annotations

from typing import Any

import click

from job.cli.config_options import build, config_options
from job.cli.options import common_options, run_id_of
from job.cli.spark import execute
from job.config import ClassifyConfig, PredictConfig


@click.command()
@config_options(ClassifyConfig)
@common_options
def classify(**options: Any) -> None:
    """Train and score classifiers on the features under the output path, and save them there."""
    run_id = run_id_of(options)
    config = build(ClassifyConfig, options, run_id=run_id)
    # Spark ML is imported only now: --help and wrong options answer at once.
    from job.analysis.classification.classifiers import require_usable
    from job.analysis.classification.console import result_lines

    require_usable(config.classifiers)
    results = execute("classify", config, options, config.output_path, run_id)
    if results is not None:
        click.echo("\n".join(result_lines(results)))


@click.command()
@config_options(PredictConfig)
@common_options
def predict(**options: Any) -> None:
    """Predict the class of features, or of a folder of new images, by a saved classifier."""
    run_id = run_id_of(options)
    config = build(PredictConfig, options, run_id=run_id)
    predicted = execute("predict", config, options, config.output_path, run_id)
    if predicted is not None:
        from job.analysis.classification.console import prediction_lines
        from job.layout import Layout

        unsure = Layout(config.output_path).low_confidence
        click.echo("\n".join(prediction_lines(predicted, config.low_confidence, unsure)))
