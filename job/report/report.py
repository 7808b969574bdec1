"""The report: ReportData in, one self-contained HTML page out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from bokeh.document import Document
from bokeh.plotting import figure
from bokeh.resources import Resources
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from job.report.class_series import class_series
from job.report.figure_style import MOST_LABEL_BYTES
from job.report.overview import overview
from job.report.page import Page, Section, Shown, input_root
from job.report.plane_figure import MOST_PATH_BYTES
from job.report.report_data import Point, ReportData
from job.report.sections import SECTIONS

# Of 5 MB Bokeh takes 1.3, classes and tables at most 0.9, what is drawn of classes and pictures
# 0.7; half a megabyte is for what other commands have left. What the points themselves leave of
# their share, thumbnails take.
POINTS_BUDGET_BYTES = 1_600_000
# Of each point: four components, its place in the views, quotes.
POINT_BYTES = 60


@dataclass(frozen=True)
class _Section:
    """A section as the page holds it."""

    id: str
    title: str
    html: Markup


def render_report(data: ReportData, sections: Sequence[Section] = SECTIONS) -> str:
    """The whole page as UTF-8 text, with no reference to anything outside itself.

    It stays below 5 MB for what `collect_report_data` gives: thumbnails that there is no room for
    are left out.
    """
    points = within_budget(data.points, thumbnail_budget(data))
    page = Page(data, points, class_series(points))
    shown = [(each, content) for each in sections if (content := each.show(page)) is not None]
    figures = {name: plot for _, content in shown for name, plot in content.figures.items()}
    scripts = [_bokeh_script(), _template_file("report.js")]
    return _rendered(
        "report.html.j2",
        **overview(data),
        sections=[_section(section, content) for section, content in shown],
        figures=_bokeh_json(figures),
        scripts=scripts,
        style=_template_file("report.css"),
        security_policy=_security_policy(scripts),
    )


def thumbnail_budget(data: ReportData) -> int:
    """The bytes that are left for thumbnails beside paths, labels and places of the points."""
    root = input_root(data)
    texts = sum(
        min(len(point.path.removeprefix(root).encode()), MOST_PATH_BYTES)
        + min(len((point.label or "").encode()), MOST_LABEL_BYTES)
        for point in data.points
    )
    return max(POINTS_BUDGET_BYTES - texts - POINT_BYTES * len(data.points), 0)


def within_budget(points: Sequence[Point], budget: int) -> list[Point]:
    """The points with as many thumbnails as `budget` bytes hold, one for each class first."""
    first_of_class = {
        point.label: index for index, point in reversed([*enumerate(points)]) if point.thumbnail
    }
    firsts = set(first_of_class.values())
    pictured = [index for index, point in enumerate(points) if point.thumbnail]
    kept, used = set(), 0
    for index in sorted(pictured, key=lambda index: index not in firsts):
        used += len(points[index].thumbnail or "")
        if used > budget:
            break
        kept.add(index)
    return [
        point if index in kept else point._replace(thumbnail=None)
        for index, point in enumerate(points)
    ]


def _section(section: Section, content: Shown) -> _Section:
    html = _rendered(f"sections/{section.id}.html.j2", **content.words)
    # Markup: what a template has rendered is escaped.
    return _Section(section.id, section.title, Markup(html))  # noqa: S704


def _bokeh_json(figures: Mapping[str, figure]) -> dict[str, Any]:
    """One Bokeh document, so that figures can share data, and where each figure is drawn in it.

    `elements` has the ids of the HTML elements in the order of the document's roots.
    """
    document = Document()
    for plot in figures.values():
        document.add_root(plot)
    elements = {plot.id: name for name, plot in figures.items()}
    return {"document": document.to_json(deferred=False), "elements": elements}


def _rendered(template: str, **words: Any) -> str:
    return _environment().get_template(template).render(words)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("job.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    return environment


@cache
def _template_file(name: str) -> str:
    return resources.files("job.report").joinpath("templates", name).read_text("utf-8")


@cache
def _bokeh_script() -> str:
    """Bokeh's own script, of the installed version, without the parts that no figure uses."""
    return "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)


def _security_policy(scripts: Iterable[str]) -> str:
    """A policy that lets the page fetch nothing and run only these scripts, named by hash."""
    hashes = " ".join(f"'sha256-{_sha256_base64(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
    )


def _sha256_base64(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
