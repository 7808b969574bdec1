"""Groups points by class, and gives each class its colour and marker."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from job.report.report_data import Point

NO_LABEL = "no label"

# The colour-blind safe palette of Okabe and Ito, without black and yellow (each is invisible on one
# of the backgrounds), and darkened to a contrast of at least 2.5:1 on white.
COLOURS = (
    "#0077bb", "#d55e00", "#009e73", "#cc6699", "#7a5cc4", "#c98a00", "#3ca5d9", "#8c6d4f",
)  # fmt: skip
MARKERS = (
    "circle", "square", "triangle", "diamond", "inverted_triangle",
    "hex", "star", "plus", "square_pin", "triangle_pin",
)  # fmt: skip
OTHERS_COLOUR = "#8a9299"

# Each class has its own renderer, so that it can be hidden. A browser stays fast with this many.
MAX_CLASSES = 300


@dataclass(frozen=True)
class Style:
    """How a class is drawn. 8 colours, 10 markers, filled or hollow: 160 styles before a repeat."""

    colour: str
    marker: str
    hollow: bool = False


@dataclass(frozen=True)
class ClassSeries:
    """The points of one class, or of all classes too rare to have their own series."""

    name: str
    points: Sequence[Point]
    style: Style

    @property
    def typical_point(self) -> Point | None:
        """The point with a thumbnail nearest to the class median; None without thumbnails."""
        with_thumbnail = [point for point in self.points if point.thumbnail]
        if not with_thumbnail:
            return None
        centre = np.median(coordinates(self.points), axis=0)
        distance = np.linalg.norm(coordinates(with_thumbnail) - centre, axis=1)
        return with_thumbnail[int(distance.argmin())]


def label_text(label: str | None) -> str:
    """The label as the report shows it."""
    return NO_LABEL if label is None else label


def class_series(points: Iterable[Point]) -> list[ClassSeries]:
    """One series per class, in natural order of the labels, unlabelled points last.

    Beyond MAX_CLASSES, the rarest classes share one grey series at the end.
    """
    groups: dict[str | None, list[Point]] = defaultdict(list)
    for point in points:
        groups[point.label].append(point)
    frequent = sorted(groups, key=lambda label: -len(groups[label]))[:MAX_CLASSES]
    series = [
        ClassSeries(label_text(label), groups[label], class_style(index))
        for index, label in enumerate(sorted(frequent, key=_natural_key))
    ]
    rare = [label for label in groups if label not in set(frequent)]
    if rare:
        rare_points = [point for label in rare for point in groups[label]]
        name = f"{len(rare):,} rarer classes"
        series.append(ClassSeries(name, rare_points, Style(OTHERS_COLOUR, "circle")))
    return series


def class_style(index: int) -> Style:
    """The style of the class at `index`: colours change first, then markers, then the fill."""
    marker, colour = divmod(index, len(COLOURS))
    hollow, marker = divmod(marker, len(MARKERS))
    return Style(COLOURS[colour], MARKERS[marker], hollow=bool(hollow % 2))


def select_distant_points(
    points: Sequence[Point],
    max_points: int,
    min_distance: float = 0.06,
    components: Sequence[int] = (1, 2),
) -> list[Point]:
    """Up to `max_points` points that lie far apart on `components` (farthest-point sampling).

    Stops when all other points are nearer than `min_distance`, a share of the points' extent.
    """
    if not points:
        return []
    positions = coordinates(points, components)
    threshold = min_distance * float(np.ptp(positions, axis=0).max())
    selected = [int(positions[:, 0].argmin())]
    distances = np.linalg.norm(positions - positions[selected[0]], axis=1)
    while len(selected) < max_points and distances.max() > threshold:
        selected.append(int(distances.argmax()))
        latest = positions[selected[-1]]
        distances = np.minimum(distances, np.linalg.norm(positions - latest, axis=1))
    return [points[index] for index in sorted(selected)]


def coordinates(
    points: Sequence[Point], components: Sequence[int] = (1, 2)
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The points' coordinates, float64 (points, components); a missing component is 0."""
    rows = [[point.component(number) or 0.0 for number in components] for point in points]
    return np.array(rows, dtype=np.float64)


def _natural_key(label: str | None) -> tuple[bool, list[tuple[int, int, str]]]:
    """A sort key that puts Apple 9 before Apple 10, and unlabelled images last."""
    parts = re.split(r"(\d+)", (label or "").casefold())
    return label is None, [
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts
    ]
