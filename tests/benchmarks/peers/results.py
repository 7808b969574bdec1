"""What was measured, kept as lines of JSON, so that a table can be put together from many runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.peers.registry import PEERS
from tests.benchmarks.storage import SOURCES

_COLUMNS = (
    "where",
    "who",
    "images",
    "start-up s",
    "images/s",
    "of the limit",
    "the job is",
    "difference",
    "requests an image",
)

# Whom the others are held against: those that do the same.
_OURS = {False: "job", True: "job, whole"}


@dataclass(frozen=True)
class Result:
    """One peer in one place.

    `small` and `large` images took so many `seconds`; `limit` is decode + resize + forward on all
    cores around these runs, images/s. `requests` are those an input image cost, by kind, empty
    where none were counted.
    """

    peer: str
    where: str
    small: int
    large: int
    seconds: tuple[float, float]
    limit: float
    difference: float
    requests: dict[str, float]
    peak_mib: dict[str, float]
    cores: int
    finished: str

    @property
    def marginal(self) -> float:
        """Seconds an image more takes."""
        return (self.seconds[1] - self.seconds[0]) / (self.large - self.small)

    @property
    def start_up(self) -> float:
        """Seconds that are there for no image."""
        return self.seconds[0] - self.small * self.marginal

    @property
    def of_limit(self) -> float:
        """Its rate as a share of the limit measured around it."""
        return 1 / self.marginal / self.limit


def append(result: Result, file: Path) -> None:
    """One line more."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(result)) + "\n")


def read(file: Path) -> list[Result]:
    """The last result of each peer in each place, in the order of peers and places."""
    if not file.is_file():
        return []
    lines = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    found = [Result(**{**line, "seconds": tuple(line["seconds"])}) for line in lines]
    last = {(each.where, each.peer): each for each in found}
    return [last[where, peer] for where in SOURCES for peer in PEERS if (where, peer) in last]


def table(results: Iterable[Result]) -> Iterator[str]:
    """Markdown; `the job is` tells how many times faster an image more is with it.

    Runs at different times are compared by their shares of the limits measured around them.
    """
    found = list(results)
    shares = {(each.where, each.peer): each.of_limit for each in found}
    yield f"| {' | '.join(_COLUMNS)} |"
    yield "| --- " * len(_COLUMNS) + "|"
    for each in found:
        ours = shares.get((each.where, _OURS[PEERS[each.peer].whole]))
        times = "" if ours is None else f"{ours / each.of_limit:.1f} x"
        counted = ", ".join(f"{count:.2f} {kind}" for kind, count in each.requests.items())
        yield (
            f"| {each.where} | {each.peer} | {each.small:,}, {each.large:,} "
            f"| {each.start_up:.0f} | {1 / each.marginal:.1f} | {each.of_limit:.2f} "
            f"| {times} | {each.difference:.0e} | {counted} |"
        )
