"""`make bench-start`: seconds from the command to the first featurized image."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import click

from tests.benchmarks import start_daemon
from tests.benchmarks.measured import measure
from tests.benchmarks.sample import Sample
from tests.benchmarks.storage import SOURCES, storage
from tests.support.releases import release_of

ROOT = Path(__file__).parents[2]


@click.command(help=__doc__)
@click.option("--beside", metavar="REVISION", help="Measure the job of this commit too, in turns.")
@click.option("--where", type=click.Choice(SOURCES), default="s3+30ms", show_default=True)
@click.option("--images", default=200, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(beside: str | None, where: str, images: int, rounds: int) -> None:
    """Print the seconds of each round, and the median of its ratios."""
    with tempfile.TemporaryDirectory(prefix="image-features-start-") as scratch:
        work = Path(scratch)
        folder = Sample.of_examples().write(work / "images", images)
        before = release_of(beside, work / "before").root if beside else None
        # The first run of a machine reads Spark and its libraries from its disk.
        _first_features(ROOT, where, folder, work)
        ratios = []
        for _ in range(rounds):
            now = _first_features(ROOT, where, folder, work)
            line = f"{now:.1f} s"
            if before:
                then = _first_features(before, where, folder, work)
                ratios.append(now / then)
                line += f", {beside} {then:.1f} s: {ratios[-1]:.2f}"
            click.echo(line)
        if ratios:
            click.echo(f"median {median(ratios):.2f}")


def _first_features(root: Path, where: str, folder: Path, work: Path) -> float:
    """Seconds until the first worker of the job in `root` has features."""
    moment = work / "moment"
    moment.unlink(missing_ok=True)
    with storage(where, folder, work) as place:
        conf = {**place.settings, "spark.python.daemon.module": start_daemon.MODULE}
        command = [sys.executable, "-m", "job", "featurize"]
        command += ["--input", place.input_path, "--output", place.output_path]
        command += [f"--conf={key}={value}" for key, value in conf.items()]
        environment = {
            **os.environ,
            **place.environment,
            "PYTHONPATH": f"{root}{os.pathsep}{ROOT}",
            # Else the folder that the command is given in is searched before all others.
            "PYTHONSAFEPATH": "1",
            start_daemon.FILE_VARIABLE: str(moment),
        }
        started = time.time()
        measure(command, environment)
    return float(moment.read_text()) - started


if __name__ == "__main__":
    main()
