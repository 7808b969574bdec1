"""The clusters section: what the report reads from the output, and what the page shows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from bokeh.models import HoverTool

from job.analysis.clustering.agreement import Cell
from job.analysis.clustering.result import ClusterResult
from job.analysis.clustering.sample import ClusterSample
from job.report.cluster_figures import cluster_plane, contingency_map
from job.report.cluster_section import MAX_LABELS_ON_MAP, MAX_SQUARES, read
from job.report.report import render_report
from tests.unit.analysis.clustering.cluster_examples import (
    fruit_clusters,
    fruit_sample,
    largest_clusters,
)
from tests.unit.report.report_examples import Files, fruit_report, largest_report
from tests.unit.report.test_report import HOSTILE, Page


def section(result: ClusterResult, sample: ClusterSample) -> dict[str, Any]:
    """The section's data as data.json stores it."""
    files = {"clusters/result.json": result.to_json(), "clusters/sample.json": sample.to_json()}
    values = read(Files(files))
    assert values is not None
    return {"clusters": json.loads(json.dumps(values))}


def page_of(result: ClusterResult, sample: ClusterSample, **changes: Any) -> Page:
    return Page(render_report(fruit_report(sections=section(result, sample), **changes)))


def figures_of(page: Page) -> set[str]:
    return set(json.loads(page.data)["elements"].values())


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of(fruit_clusters(), fruit_sample())


def test_an_output_without_clusters_has_no_section() -> None:
    assert read(Files()) is None
    page = Page(render_report(fruit_report()))
    assert "adjusted Rand index" not in page.text
    assert "clusters" not in figures_of(page)


@pytest.mark.parametrize(
    "text",
    [
        "k-means grouped the 1,230 images into 2 clusters by their 2 components",
        "clusters 2 best of 5 starts",
        "silhouette 0.412",
        "adjusted Rand index 0.700",
        "normalized mutual information –",
        "3 of 1,230 images are shown: up to about 3,000 images, chosen by a hash of their path.",
        "Apple 1,000 0 90.0 %",
        "Plum 230 1 100.0 %",
        "By cluster By label",
    ],
)
def test_the_section_shows(page: Page, text: str) -> None:
    assert text in page.text


def test_the_page_has_both_figures(page: Page) -> None:
    assert {"clusters", "contingency"} <= figures_of(page)


def test_the_section_warns_if_the_projection_has_changed() -> None:
    assert "The projection has changed since" not in page_of(fruit_clusters(), fruit_sample()).text
    page = page_of(fruit_clusters(images=1000), fruit_sample())
    assert "The projection has changed since: run `image-features cluster` again" in page.text
    assert "has changed since" in page_of(fruit_clusters(components=9), fruit_sample()).text


def test_hostile_labels_are_escaped(page: Page) -> None:
    sample = ClusterSample([HOSTILE], [0.0], [0.0], [0], [0])
    cells = [Cell(HOSTILE[:50], 0, 1)]
    labels = [fruit_clusters().labels[0]._replace(label=HOSTILE[:50])]
    hostile = page_of(fruit_clusters(labels=labels, contingency=cells), sample)
    assert HOSTILE[:50] in hostile.text
    assert hostile.tags.count("script") == page.tags.count("script")
    assert hostile.handlers == []
    assert "<" not in hostile.data


def test_the_plane_has_two_colourings_and_shows_one() -> None:
    plane = cluster_plane(fruit_sample())
    assert {renderer.tags[0]: renderer.visible for renderer in plane.renderers} == {
        "cluster": True,
        "label": False,
    }
    by_label = cluster_plane(fruit_sample(), colours="label")
    assert [renderer.visible for renderer in by_label.renderers] == [False, True]
    columns = plane.renderers[0].data_source.data
    assert columns["cluster"] == ["cluster 0", "cluster 1", "cluster 1"]
    assert columns["label"] == ["Apple", "Apple", "Plum"]
    colours = plane.renderers[1].glyph.line_color
    assert (colours.field, colours.transform.factors) == ("label", ["Apple", "Plum"])
    assert len(set(colours.transform.palette)) == 2
    (hover,) = plane.select(HoverTool)
    assert hover.renderers == plane.renderers


def test_with_one_component_each_cluster_has_a_row() -> None:
    sample = ClusterSample(["a"], [1.0, 2.0], [None, None], [0, 0], [0, 3])
    plane = cluster_plane(sample)
    assert plane.renderers[0].data_source.data["y"].tolist() == [0.0, -3.0]
    assert plane.yaxis[0].axis_label == "cluster"


def test_agreement_is_a_diagonal_on_the_map() -> None:
    cells = [Cell("a", 7, 3), Cell("b", 2, 1), Cell("b", 5, 3), Cell("c", 2, 4)]
    chart = contingency_map(cells, {"a": 3, "b": 4, "c": 8})
    squares = chart.renderers[0].data_source.data
    assert squares["x"].tolist() == [0.0, 2.0, 1.0, 2.0]
    assert squares["y"].tolist() == [0.0, -1.0, -1.0, -2.0]
    assert squares["share"].tolist() == [1.0, 0.25, 0.75, 0.5]
    columns = chart.xaxis[0].major_label_overrides
    assert {x: name.text for x, name in columns.items()} == {0.0: "7", 1.0: "5", 2.0: "2"}
    names = chart.yaxis[0].major_label_overrides
    assert [names[row].text for row in (0, -1, -2)] == ["a", "b", "c"]


def test_invisible_cells_and_rare_labels_are_omitted() -> None:
    values = section(*largest_clusters())["clusters"]
    assert values["label_count"] == 131
    # Each label is spread evenly over 131 clusters: below 1 % each.
    assert values["squares"] == []
    even = [Cell(f"label {n:03}", n % 7, n + 1) for n in range(131)]
    labels = [fruit_clusters().labels[0]._replace(label=c.label, images=c.images) for c in even]
    values = section(fruit_clusters(labels=labels, contingency=even), fruit_sample())["clusters"]
    assert len(values["squares"]) == len(values["map_labels"]) == MAX_LABELS_ON_MAP
    assert values["map_labels"][0] == ["label 031", 32]
    assert values["squares"][0] == [0, 3, 32]


def test_the_size_of_the_section_is_bounded() -> None:
    sections = section(*largest_clusters(spread_over=40))
    assert len(sections["clusters"]["squares"]) == MAX_SQUARES
    assert len(json.dumps(sections, ensure_ascii=False).encode()) < 200_000
    page = render_report(fruit_report(sections=sections)).encode()
    plain = render_report(fruit_report()).encode()
    assert len(page) - len(plain) < 650_000


def test_the_largest_report_with_clusters_stays_below_5_mb() -> None:
    report = replace(largest_report(), sections=section(*largest_clusters(spread_over=40)))
    assert len(render_report(report).encode()) < 5_000_000
