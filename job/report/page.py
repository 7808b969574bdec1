"""The interface of a report section: its input (Page) and its output (SectionContent)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bokeh.plotting import figure

from job.report.class_series import ClassSeries
from job.report.report_data import Point, ReportData


class OutputFiles(Protocol):
    """The files of one output, by relative path, such as `runs/1.json`."""

    def read(self, name: str) -> bytes:
        """The content of the file `name`. Raises FileNotFoundError."""

    def list_names(self, folder: str) -> list[str]:
        """The sorted names of files and folders in `folder`; empty if it does not exist."""


@dataclass(frozen=True)
class Page:
    """The input of all sections.

    `points` are those of `data`, with as many thumbnails as fit on the page; `series` has the same
    points by class. Every section uses the colour, marker and index of a class's series.
    """

    data: ReportData
    points: Sequence[Point]
    series: Sequence[ClassSeries]

    def relative_path(self, path: str) -> str:
        """The path relative to the input path."""
        return path.removeprefix(input_root(self.data)).lstrip("/")


@dataclass(frozen=True)
class SectionContent:
    """The content of a section: the variables of its template, and its figures by id.

    The template places each figure with `parts.chart(id, ...)`.
    """

    variables: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """One section of the page; its template is `templates/sections/<id>.html.j2`.

    `build` returns None to omit the section. `read` returns JSON values (at most 200 kB) from the
    files of the output, for data that the tables do not have, or None without such files.
    `data.sections[id]` and report/data.json then hold these values.
    """

    id: str
    title: str
    build: Callable[[Page], SectionContent | None]
    read: Callable[[OutputFiles], Any] | None = None


@dataclass(frozen=True)
class Tile:
    """One key number with its name and a line of context."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Bar:
    """One labelled bar; `share` is 0 to 1 of the longest bar or of the total."""

    name: str
    value: str
    share: float
    note: str = ""


def input_root(data: ReportData) -> str:
    """The prefix that the page omits from paths: the input path with a trailing slash."""
    path = str(data.summary.get("input_path") or "")
    return path.rstrip("/") + "/" if path else ""


def read_json(files: OutputFiles, name: str) -> Any:
    """The values of the JSON file `name`; None if it does not exist."""
    try:
        return json.loads(files.read(name))
    except FileNotFoundError:
        return None
