"""Options that several commands of this room take."""

from __future__ import annotations

from pathlib import Path

import click

from job.options import together

chart_options = together(
    click.option(
        "--values",
        required=True,
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Values of the chart; may be repeated, later ones win.",
    ),
    click.option(
        "--set", "sets", multiple=True, metavar="KEY=VALUE", help="One value of the chart."
    ),
    click.option("--release", default="image-features", show_default=True, help="Whose run it is."),
    click.option(
        "--run-id", metavar="ID", help="Name of this run  [default: time and a random part]"
    ),
)
