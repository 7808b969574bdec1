"""`make bench-estimate`: how near `image-features cost --for-images` comes to runs that are made.

A run on executors of their own (one task each), and from its event log the time of larger ones and
of one on storage that answers late; each is then made. What it costs follows from the time.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import pyspark

from job.analysis.cost.estimate import estimate_usage
from job.analysis.cost.event_log import usage_from_log
from job.analysis.cost.usage import Usage
from tests.benchmarks.event_log import LOG_SETTINGS
from tests.benchmarks.measured import measure
from tests.benchmarks.sample import Sample
from tests.benchmarks.storage import storage

MEMORY = 3072


@dataclass(frozen=True)
class Made:
    """One run: how, and what its log says."""

    images: int
    executors: int
    source: str
    usage: Usage

    @property
    def seconds(self) -> float:
        """From the application's start to its end."""
        return self.usage.pods[0].seconds


@click.command(help=__doc__)
@click.option("--measured", default=2000, show_default=True, help="Images of the first run.")
@click.option("--images", multiple=True, type=int, help="Of the others  [default: 5000, 10000]")
def main(measured: int, images: Sequence[int]) -> None:
    """Print for each run what was estimated and what it took."""
    with tempfile.TemporaryDirectory(prefix="image-features-estimates-") as folder:
        bench = Bench(Path(folder))
        first = bench.run(measured, 2, "s3")
        click.echo(f"from {measured:,} images, 2 executors, S3: {first.seconds:.0f} s")
        click.echo("| images | executors | storage | estimated s | took s | error |")
        click.echo("| --- | --- | --- | --- | --- | --- |")
        for count in images or (5000, 10000):
            _say(first, bench.run(count, 2, "s3"))
        largest = max(images or (10000,))
        _say(first, bench.run(largest, 2, "s3+30ms"))
        _say(first, bench.run(largest // 2, 1, "s3"))


def _say(first: Made, made: Made) -> None:
    expected = estimate_usage(first.usage, made.images, made.executors).pods[0].seconds
    click.echo(
        f"| {made.images:,} | {made.executors} | {made.source} | {expected:.0f} "
        f"| {made.seconds:.0f} | {expected / made.seconds - 1:+.0%} |"
    )


class Bench:
    """Runs in one folder, on copies of the sample."""

    def __init__(self, work: Path) -> None:
        self._work, self._sample = work, Sample.of_examples()

    def run(self, images: int, executors: int, source: str) -> Made:
        """Featurize so many images, and read the event log."""
        folder = self._work / f"images-{images}"
        if not folder.exists():
            self._sample.write(folder, images)
        with (
            storage(source, folder, self._work) as place,
            tempfile.TemporaryDirectory(dir=self._work) as logs,
        ):
            settings = {
                **place.settings,
                **LOG_SETTINGS,
                "spark.eventLog.dir": Path(logs).as_uri(),
                "spark.executor.memory": f"{MEMORY}m",
            }
            command = [sys.executable, "-m", "job", "featurize", "--input", place.input_path]
            command += ["--output", place.output_path]
            command += ["--master", f"local-cluster[{executors},1,{MEMORY}]"]
            command += [f"--conf={key}={value}" for key, value in settings.items()]
            spark_home = str(Path(pyspark.__file__).parent)
            measure(command, {**os.environ, **place.environment, "SPARK_HOME": spark_home})
            (log,) = Path(logs).iterdir()
            with log.open("rb") as lines:
                return Made(images, executors, source, usage_from_log(lines))


if __name__ == "__main__":
    main()
