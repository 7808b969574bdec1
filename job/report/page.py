"""What a section of the report is: what it is given, and what it gives back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bokeh.plotting import figure

from job.report.class_series import ClassSeries
from job.report.report_data import Point, ReportData


class OutputFiles(Protocol):
    """The files of one output, by their names under it, such as `runs/1.json`."""

    def read(self, name: str) -> bytes:
        """The content of the file `name`. Raises FileNotFoundError."""

    def names(self, folder: str) -> list[str]:
        """The names, sorted, of what is in `folder`; none where there is no such folder."""


@dataclass(frozen=True)
class Page:
    """What sections are made from.

    `points` are those of `data` with the thumbnails that the page has room for, `series` the same
    points by class; a class has the colour, the marker and the index of its series everywhere.
    """

    data: ReportData
    points: Sequence[Point]
    series: Sequence[ClassSeries]

    def short(self, path: str) -> str:
        """The path without the input path, which all of them begin with."""
        return path.removeprefix(input_root(self.data)).lstrip("/")


@dataclass(frozen=True)
class Shown:
    """What a section shows: `words` by the names that its template uses, figures by their ids.

    Each figure has its place in the template: `parts.chart(id, ...)`.
    """

    words: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """One section of the page; its template is `templates/sections/<id>.html.j2`.

    `show` gives None where there is nothing to show: the section is left out then. `read` takes
    from the files of the output what the tables do not hold, as values of JSON, at most 200 kB:
    they are `data.sections[id]` from then on, also in report/data.json. It gives None where the
    output has no such file.
    """

    id: str
    title: str
    show: Callable[[Page], Shown | None]
    read: Callable[[OutputFiles], Any] | None = None


@dataclass(frozen=True)
class Tile:
    """One key number with its name and a line of context."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Bar:
    """One labelled length; `share` is 0 to 1 of the longest or of the whole."""

    name: str
    value: str
    share: float
    note: str = ""


def input_root(data: ReportData) -> str:
    """What paths on the page leave out: the input path with a slash at its end."""
    path = str(data.summary.get("input_path") or "")
    return path.rstrip("/") + "/" if path else ""


def read_json(files: OutputFiles, name: str) -> Any:
    """The values in the JSON file `name`; None where there is none."""
    try:
        return json.loads(files.read(name))
    except FileNotFoundError:
        return None
