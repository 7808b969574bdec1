"""The report: ReportData in, one self-contained HTML page out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Any

from bokeh.embed import json_item
from bokeh.resources import Resources
from jinja2 import Environment, PackageLoader, StrictUndefined

from job.analysis import classifier_section, figures, page_content
from job.analysis.class_series import ClassSeries, class_series
from job.analysis.report_data import Point, ReportData

# Bokeh takes 1.3 MB, 5,000 points at most 1 MB, classes and tables at most 1 MB.
THUMBNAIL_BUDGET_BYTES = 1_300_000


def render_report(data: ReportData) -> str:
    """The whole page as UTF-8 text, with no reference to anything outside itself.

    It stays below 5 MB for up to 5,000 points; thumbnails beyond the budget are left out.
    """
    points = within_budget(data.points, THUMBNAIL_BUDGET_BYTES)
    series = class_series(points)
    scripts = [_bokeh_script(), _template_file("report.js")]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            **_words(data, series),
            figures=_figure_items(data, points),
            scripts=scripts,
            style=_template_file("report.css"),
            security_policy=_security_policy(scripts),
        )
    )


def within_budget(points: Sequence[Point], budget: int) -> list[Point]:
    """The points with as many thumbnails as `budget` bytes hold, one for each class first.

    The first of a class counts twice: it is stored for hovering and for the class's switch.
    """
    first_of_class = {
        point.label: index for index, point in reversed([*enumerate(points)]) if point.thumbnail
    }
    firsts = set(first_of_class.values())
    pictured = [index for index, point in enumerate(points) if point.thumbnail]
    kept, used = set(), 0
    for index in sorted(pictured, key=lambda index: index not in firsts):
        used += len(points[index].thumbnail or "") * (2 if index in firsts else 1)
        if used > budget:
            break
        kept.add(index)
    return [
        point if index in kept else point._replace(thumbnail=None)
        for index, point in enumerate(points)
    ]


def _words(data: ReportData, series: Sequence[ClassSeries]) -> dict[str, Any]:
    """The content of each section by the name the templates use."""
    return {
        "data": data,
        "header": page_content.header(data),
        "tiles": page_content.tiles(data),
        "accounting": page_content.accounting(data),
        "chips": page_content.chips(data, series),
        "plane_share": page_content.plane_share(data),
        "sampling": page_content.sampling(data),
        "curve_reading": page_content.curve_reading(data),
        "class_rows": page_content.class_rows(data, series),
        "balance": page_content.balance(data),
        "reasons": page_content.reasons(data),
        "quarantine_rows": page_content.quarantine_rows(data),
        "stages": page_content.stages(data),
        "used": page_content.used(data),
        "costs": page_content.costs(data),
        "prices_note": page_content.prices_note(data),
        "provenance": page_content.provenance(data),
        "classifiers": classifier_section.words(data.classifiers, page_content.input_root(data)),
    }


def _figure_items(data: ReportData, points: Sequence[Point]) -> dict[str, Any]:
    """Bokeh's JSON of each figure by the id of the element that it is drawn in."""
    root = page_content.input_root(data)
    plane = figures.pca_plane(points, data.variance_curve, path_root=root, legend=False)
    items = {"plane": plane, "classes": figures.class_counts(data.classes)}
    if data.variance_curve:
        items["curve"] = figures.variance_curve(data.variance_curve, data.k, data.variance_asked)
    items |= classifier_section.figures(data.classifiers)
    return {name: json_item(figure) for name, figure in items.items()}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("job.analysis"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    return environment


@cache
def _template_file(name: str) -> str:
    return resources.files("job.analysis").joinpath("templates", name).read_text("utf-8")


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
