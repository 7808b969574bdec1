"""Renders ReportData as one self-contained HTML page."""

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
from job.report.figure_style import MAX_LABEL_BYTES
from job.report.overview import overview
from job.report.page import Page, Section, SectionContent, input_root
from job.report.plane_figure import MAX_PATH_BYTES
from job.report.report_data import Point, ReportData
from job.report.sections import SECTIONS

# The page has 5 MB: 1.3 for Bokeh, up to 0.9 for classes and tables, 0.7 for the drawn classes and
# pictures, 0.5 for the sections of other commands. Points and their thumbnails share the rest.
POINTS_BUDGET_BYTES = 1_600_000
# Per point: four components, its index in the views, quotes.
POINT_BYTES = 60


@dataclass(frozen=True)
class _RenderedSection:
    """A section as the page template uses it."""

    id: str
    title: str
    html: Markup


def render_report(data: ReportData, sections: Sequence[Section] = SECTIONS) -> str:
    """The whole page as HTML, without external references.

    The page of any `collect_report_data` result stays below 5 MB; thumbnails that do not fit are
    omitted.
    """
    points = limit_thumbnails(data.points, thumbnail_budget(data))
    page = Page(data, points, class_series(points))
    built = [
        (section, content) for section in sections if (content := section.build(page)) is not None
    ]
    figures = {name: plot for _, content in built for name, plot in content.figures.items()}
    scripts = [_bokeh_script(), _template_file("report.js")]
    return _render(
        "report.html.j2",
        **overview(data),
        sections=[_render_section(section, content) for section, content in built],
        figures=_bokeh_json(figures),
        scripts=scripts,
        style=_template_file("report.css"),
        security_policy=_security_policy(scripts),
    )


def thumbnail_budget(data: ReportData) -> int:
    """The bytes that remain for thumbnails after the points' paths, labels and coordinates."""
    root = input_root(data)
    texts = sum(
        min(len(point.path.removeprefix(root).encode()), MAX_PATH_BYTES)
        + min(len((point.label or "").encode()), MAX_LABEL_BYTES)
        for point in data.points
    )
    return max(POINTS_BUDGET_BYTES - texts - POINT_BYTES * len(data.points), 0)


def limit_thumbnails(points: Sequence[Point], budget: int) -> list[Point]:
    """The points with as many thumbnails as fit into `budget` bytes, one of each class first."""
    first_of_class = {
        point.label: index for index, point in reversed([*enumerate(points)]) if point.thumbnail
    }
    firsts = set(first_of_class.values())
    with_thumbnail = [index for index, point in enumerate(points) if point.thumbnail]
    kept, used = set(), 0
    for index in sorted(with_thumbnail, key=lambda index: index not in firsts):
        used += len(points[index].thumbnail or "")
        if used > budget:
            break
        kept.add(index)
    return [
        point if index in kept else point._replace(thumbnail=None)
        for index, point in enumerate(points)
    ]


def _render_section(section: Section, content: SectionContent) -> _RenderedSection:
    html = _render(f"sections/{section.id}.html.j2", **content.variables)
    # The template has escaped its variables.
    return _RenderedSection(section.id, section.title, Markup(html))  # noqa: S704


def _bokeh_json(figures: Mapping[str, figure]) -> dict[str, Any]:
    """All figures as one Bokeh document, so that they can share data.

    `elements` maps the id of each root to the name of its figure.
    """
    document = Document()
    for plot in figures.values():
        document.add_root(plot)
    elements = {plot.id: name for name, plot in figures.items()}
    return {"document": document.to_json(deferred=False), "elements": elements}


def _render(template: str, **variables: Any) -> str:
    return _environment().get_template(template).render(variables)


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
    """The core script of the installed Bokeh, without components that no figure uses."""
    return "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)


def _security_policy(scripts: Iterable[str]) -> str:
    """A Content-Security-Policy that forbids loading anything and allows only these scripts."""
    hashes = " ".join(f"'sha256-{_sha256_base64(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
    )


def _sha256_base64(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
