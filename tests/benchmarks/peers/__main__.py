"""`make bench-peers`: the job beside what its users would pick instead.

The same images, the same weights, the same cores; each in a process of its own, from its start to
its features as Parquet, once for few and once for many images. Start-up is what is left for no
image, the difference is the time of an image more.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.benchmarks.limits import limits
from tests.benchmarks.measured import Measured, measure
from tests.benchmarks.peers import results
from tests.benchmarks.peers.registry import PEERS, Peer
from tests.benchmarks.peers.results import Result
from tests.benchmarks.peers.same_work import (
    Features,
    OtherWorkError,
    largest_difference,
    reference,
)
from tests.benchmarks.sample import Sample
from tests.benchmarks.storage import SOURCES, Storage, storage

CHECKOUT = Path(__file__).parents[3]
RESULTS = Path(".cache") / "bench-peers.jsonl"
_LIMIT_SECONDS = 5.0
_QUIET = {
    "DAFT_ANALYTICS_ENABLED": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


@click.command(help=__doc__)
@click.option("--only", multiple=True, type=click.Choice(list(PEERS)), help="Whom  [default: all].")
@click.option("--where", multiple=True, type=click.Choice(SOURCES), help="[default: everywhere]")
@click.option("--small", default=2000, show_default=True, help="Few images.")
@click.option("--large", default=10000, show_default=True, help="Many images.")
@click.option("--table", "only_table", is_flag=True, help="Measure nothing, print what there is.")
def main(
    only: Sequence[str], where: Sequence[str], small: int, large: int, only_table: bool
) -> None:
    """Measure each cell, keep it in .cache/bench-peers.jsonl, and print the table of all there."""
    if not only_table:
        with tempfile.TemporaryDirectory(prefix="image-features-peers-") as folder:
            bench = Bench(Path(folder), small, large)
            for source in where or SOURCES:
                for name in only or PEERS:
                    bench.measure(PEERS[name], source)
    for line in results.table(results.read(RESULTS)):
        click.echo(line)
    for name, peer in PEERS.items():
        click.echo(f"{name}: {peer.settings}")


class Bench:
    """The cells of one run: they share images and the limit measured between two of them."""

    def __init__(self, work: Path, small: int, large: int) -> None:
        self._work, self._counts = work, (small, large)
        self._sample = Sample.of_examples()
        self._expected: dict[str, Features] = reference(self._sample)
        self._limit = self._measured_limit()

    def measure(self, peer: Peer, source: str) -> None:
        """Both runs of a cell, checked and kept."""
        before = self._limit
        few, many = (self._run(peer, source, count) for count in self._counts)
        # What else the machine does changes by the minute.
        self._limit = self._measured_limit()
        result = Result(
            peer.name,
            source,
            *self._counts,
            seconds=(few[0].seconds, many[0].seconds),
            limit=(before + self._limit) / 2,
            difference=max(few[1], many[1]),
            requests=many[2],
            peak_mib={kind: round(mib) for kind, mib in many[0].peak_mib.items()},
            cores=os.cpu_count() or 1,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        results.append(result, RESULTS)
        click.echo("\n".join(results.table([result])))

    def _run(self, peer: Peer, source: str, count: int) -> tuple[Measured, float, dict[str, float]]:
        """What it took, how far its features lie from ours, and the requests for each image."""
        images = self._images(count)
        with storage(source, images, self._work) as place:
            measured = measure(peer.command(place), _environment(place))
            requests = {kind: number / count for kind, number in place.requests().items()}
            with tempfile.TemporaryDirectory(dir=self._work) as folder:
                written = place.fetch(Path(folder)) / "features"
                difference = largest_difference(written, self._expected, count)
        click.echo(f"{peer.name}, {source}, {count} images: {measured.seconds:.1f} s")
        if difference > peer.tolerance:
            raise OtherWorkError(
                f"the features of {peer.name} differ by {difference:.1e} of their length, "
                f"at most {peer.tolerance:.0e} is the same work"
            )
        return measured, difference, requests

    def _images(self, count: int) -> Path:
        folder = self._work / f"first-{count}"
        return folder if folder.exists() else self._sample.write(folder, count)

    def _measured_limit(self) -> float:
        found = limits(self._sample.files, os.cpu_count() or 1, _LIMIT_SECONDS)
        return found.decode_and_forward


def _environment(place: Storage) -> dict[str, str]:
    endpoint = {"AWS_ENDPOINT_URL": place.endpoint} if place.endpoint else {}
    return {**os.environ, **place.environment, **endpoint, **_QUIET, "PYTHONPATH": str(CHECKOUT)}


if __name__ == "__main__":
    main()
