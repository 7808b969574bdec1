"""`image-features run`, `featurize`, `fit` and `project`: from images to components."""

from __future__ import annotations

from typing import Any

import click

from job.cli.config_options import build, config_options
from job.cli.options import common_options, prices_option, run_id_of
from job.cli.outputs import print_report_path
from job.cli.spark import execute
from job.config import FeaturizeConfig, FitConfig, ProjectConfig, RunConfig


@click.command()
@config_options(RunConfig, omit=("file_format", "destination", "exported"))
@prices_option
@common_options
def run(**options: Any) -> None:
    """Featurize, fit scaler and PCA, project, export and report, in that order."""
    run_id = run_id_of(options)
    config = build(RunConfig, options, run_id=run_id)
    output_path = config.featurize.output_path
    print_report_path(execute("run", config, options, output_path, run_id))


@click.command()
@config_options(FeaturizeConfig)
@common_options
def featurize(**options: Any) -> None:
    """Write the features and quarantine tables of the images under the input."""
    run_id = run_id_of(options)
    config = build(FeaturizeConfig, options, run_id=run_id)
    execute("featurize", config, options, config.output_path, run_id)


@click.command()
@config_options(FitConfig, omit=("refit",))
@common_options
def fit(**options: Any) -> None:
    """Fit scaler and PCA on the features under the output path, and project them."""
    run_id = run_id_of(options)
    config = build(FitConfig, options, run_id=run_id, refit=True)
    execute("fit", config, options, config.output_path, run_id)


@click.command()
@config_options(ProjectConfig)
@common_options
def project(**options: Any) -> None:
    """Project features, or a folder of new images, onto the components of an earlier fit."""
    run_id = run_id_of(options)
    config = build(ProjectConfig, options, run_id=run_id)
    execute("project", config, options, config.output_path, run_id)
