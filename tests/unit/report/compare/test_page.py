"""The page of a comparison: the table, the curves, nothing from outside, nothing foreign run."""

from __future__ import annotations

import re

import pytest
from bokeh.models import GlyphRenderer

from job.report.compare.page import curves, render_page
from tests.unit.report.compare.examples import other_network, projected_only, side

HOSTILE = "s3a://results/<script>alert(1)</script>"


def test_the_page_has_the_table_and_loads_nothing() -> None:
    html = render_page([side(), other_network()])

    assert '<th scope="col">s3a://results/vgg16</th>' in html
    assert "<td>4 min 05 s</td>" in html
    assert "default-src 'none'" in html
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", html)
    assert len(html) < 2_000_000


def test_each_curve_is_drawn_over_the_others() -> None:
    chart = curves([side(), other_network()])

    lines = [each for each in chart.renderers if isinstance(each, GlyphRenderer)]
    kept = [list(line.data_source.data["kept"]) for line in lines]
    assert kept[0] == pytest.approx([0.4, 0.7, 0.8, 0.9, 1.0])
    assert kept[1] == pytest.approx([0.8, 0.95, 1.0])
    labels = [item.label.value for item in chart.legend[0].items]
    assert labels == ["mobilenet_v2  s3a://results/mobilenet", "vgg16  s3a://results/vgg16"]
    assert len({line.glyph.line_color for line in lines}) == 2


def test_without_a_curve_the_page_is_a_table() -> None:
    html = render_page([projected_only(), projected_only()])

    assert "<figure>" not in html
    assert "<script" not in html


def test_a_hostile_path_is_shown_and_never_run() -> None:
    html = render_page([side(output=HOSTILE), side()])

    assert "alert(1)" in html
    assert "<script>alert(1)" not in html
