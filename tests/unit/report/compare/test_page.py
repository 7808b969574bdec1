"""The comparison page has the table and the curves, loads nothing and escapes paths."""

from __future__ import annotations

import re

import pytest
from bokeh.models import GlyphRenderer

from job.report.compare.page import render_page, variance_curves
from tests.unit.report.compare.examples import mobilenet_output, projected_output, vgg_output

HOSTILE = "s3a://results/<script>alert(1)</script>"


def test_the_page_has_the_table_and_loads_nothing() -> None:
    html = render_page([mobilenet_output(), vgg_output()])

    assert '<th scope="col">s3a://results/vgg16</th>' in html
    assert "<td>4 min 05 s</td>" in html
    assert "default-src 'none'" in html
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", html)
    assert len(html) < 2_000_000


def test_all_curves_are_in_one_figure() -> None:
    chart = variance_curves([mobilenet_output(), vgg_output()])

    lines = [renderer for renderer in chart.renderers if isinstance(renderer, GlyphRenderer)]
    kept = [list(line.data_source.data["kept"]) for line in lines]
    assert kept[0] == pytest.approx([0.4, 0.7, 0.8, 0.9, 1.0])
    assert kept[1] == pytest.approx([0.8, 0.95, 1.0])
    labels = [item.label.value for item in chart.legend[0].items]
    assert labels == ["mobilenet_v2  s3a://results/mobilenet", "vgg16  s3a://results/vgg16"]
    assert len({line.glyph.line_color for line in lines}) == 2


def test_without_curves_the_page_has_only_the_table() -> None:
    html = render_page([projected_output(), projected_output()])

    assert "<figure>" not in html
    assert "<script" not in html


def test_a_hostile_path_is_escaped() -> None:
    html = render_page([mobilenet_output(output=HOSTILE), mobilenet_output()])

    assert "alert(1)" in html
    assert "<script>alert(1)" not in html
