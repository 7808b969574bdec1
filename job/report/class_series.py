"""Points grouped by class, each class with the colour and marker it has everywhere."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from job.report.report_data import Point

NO_LABEL = "no label"

# Okabe and Ito's colours, told apart with any colour vision, without black and yellow (one of
# them vanishes on each background) and darkened where they were below 2.5:1 on white.
COLOURS = (
    "#0077bb", "#d55e00", "#009e73", "#cc6699", "#7a5cc4", "#c98a00", "#3ca5d9", "#8c6d4f",
)  # fmt: skip
MARKERS = (
    "circle", "square", "triangle", "diamond", "inverted_triangle",
    "hex", "star", "plus", "square_pin", "triangle_pin",
)  # fmt: skip
OTHERS_COLOUR = "#8a9299"

# One renderer a class keeps toggling simple; a browser is still quick with this many.
MOST_CLASSES = 300


@dataclass(frozen=True)
class Style:
    """How one class is drawn: 8 colours x 10 markers, filled, then hollow: 160 before repeating."""

    colour: str
    marker: str
    hollow: bool = False


@dataclass(frozen=True)
class ClassSeries:
    """The points of one class, or of all classes that are too rare to be drawn apart."""

    name: str
    points: Sequence[Point]
    style: Style

    @property
    def typical(self) -> Point | None:
        """The point with a thumbnail that is nearest to the median of the class, if any."""
        pictured = [point for point in self.points if point.thumbnail]
        if not pictured:
            return None
        centre = np.median(coordinates(self.points), axis=0)
        distance = np.linalg.norm(coordinates(pictured) - centre, axis=1)
        return pictured[int(distance.argmin())]


def label_text(label: str | None) -> str:
    """The label as it is shown."""
    return NO_LABEL if label is None else label


def class_series(points: Iterable[Point]) -> list[ClassSeries]:
    """The points of each class, classes in natural order, unlabelled points last.

    Of more than MOST_CLASSES classes the rarest share one grey series at the end.
    """
    groups: dict[str | None, list[Point]] = defaultdict(list)
    for point in points:
        groups[point.label].append(point)
    frequent = sorted(groups, key=lambda label: -len(groups[label]))[:MOST_CLASSES]
    series = [
        ClassSeries(label_text(label), groups[label], style_of(index))
        for index, label in enumerate(sorted(frequent, key=_natural))
    ]
    rare = [label for label in groups if label not in set(frequent)]
    if rare:
        rest = [point for label in rare for point in groups[label]]
        name = f"{len(rare):,} rarer classes"
        series.append(ClassSeries(name, rest, Style(OTHERS_COLOUR, "circle")))
    return series


def style_of(index: int) -> Style:
    """The style of the class at `index`: colours change first, then markers, then the filling."""
    marker, colour = divmod(index, len(COLOURS))
    hollow, marker = divmod(marker, len(MARKERS))
    return Style(COLOURS[colour], MARKERS[marker], hollow=bool(hollow % 2))


def spread(
    points: Sequence[Point],
    most: int,
    apart: float = 0.06,
    components: Sequence[int] = (1, 2),
) -> list[Point]:
    """Up to `most` points that lie far from each other (greedy farthest-point selection).

    Far on the plane of these `components`. It ends early when all others are nearer than `apart`,
    a share of the points' extent.
    """
    if not points:
        return []
    places = coordinates(points, components)
    least = apart * float(np.ptp(places, axis=0).max())
    chosen = [int(places[:, 0].argmin())]
    nearest = np.linalg.norm(places - places[chosen[0]], axis=1)
    while len(chosen) < most and nearest.max() > least:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(places - places[chosen[-1]], axis=1))
    return [points[index] for index in sorted(chosen)]


def coordinates(
    points: Sequence[Point], components: Sequence[int] = (1, 2)
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The points' places, float64, (points, components); a missing component is 0."""
    places = [[point.component(number) or 0.0 for number in components] for point in points]
    return np.array(places, dtype=np.float64)


def _natural(label: str | None) -> tuple[bool, list[tuple[int, int, str]]]:
    """A sort key that puts Apple 9 before Apple 10, and no label last."""
    parts = re.split(r"(\d+)", (label or "").casefold())
    return label is None, [
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts
    ]
