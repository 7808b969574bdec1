"""`image-features classify` and `predict`: train classifiers on features, and use them."""

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
    # A late import of Spark ML: --help and errors in options must not wait for it.
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
    """Predict the classes of features, or of a folder of new images, with a saved classifier."""
    run_id = run_id_of(options)
    config = build(PredictConfig, options, run_id=run_id)
    result = execute("predict", config, options, config.output_path, run_id)
    if result is not None:
        from job.analysis.classification.console import prediction_lines
        from job.layout import Layout

        low_confidence_path = Layout(config.output_path).low_confidence
        lines = prediction_lines(result, config.low_confidence, low_confidence_path)
        click.echo("\n".join(lines))
