"""The group of all commands, and `main`, which turns errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

import job
from job.cli.classify import classify, predict
from job.cli.cluster import cluster
from job.cli.compare import compare
from job.cli.cost import cost
from job.cli.datasets import clean_names_command, sample_command
from job.cli.doctor import doctor
from job.cli.lint import lint
from job.cli.outputs import compact, export, report
from job.cli.render import render
from job.cli.run import featurize, fit, project, run
from job.cli.similar import similar
from job.cli.submit import submit
from job.errors import JobError

INTERRUPTED = 130
# Kubernetes shows the content of this file as the reason why a container ended.
TERMINATION_LOG = Path("/dev/termination-log")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(job.__version__)
def cli() -> None:
    """Compute CNN features of labelled images in object storage, and their PCA, on Spark."""


# Commands of a run, commands on its output, data sets, deployment.
for command in (
    *(run, featurize, fit, project, export, report, compact),
    *(cluster, similar, classify, predict, compare),
    *(sample_command, clean_names_command),
    *(submit, render, lint, doctor, cost),
):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; user errors print one line and return their exit code."""
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
