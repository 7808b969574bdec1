"""The clusters section in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from job.report.report import render_report
from tests.support.browser import NoBrowserError, browser, open_report
from tests.unit.analysis.clustering.cluster_examples import fruit_clusters, fruit_sample
from tests.unit.report.report_examples import fruit_report
from tests.unit.report.test_cluster_section import section

VISIBLE_TAGS = """
const view = [...Bokeh.index].find((view) => view.el.parentElement?.id === "figure-clusters");
const visible = view.model.renderers.filter((renderer) => renderer.visible);
return JSON.stringify(visible.map((renderer) => renderer.tags));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A report with clusters in a browser."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    report = fruit_report(sections=section(fruit_clusters(), fruit_sample()))
    path.write_text(render_report(report), encoding="utf-8")
    try:
        with browser() as running:
            open_report(running, path)
            yield running
    except NoBrowserError as error:
        pytest.fail(str(error))


@pytest.mark.parametrize("colours", ["label", "cluster"])
def test_a_click_changes_the_colours_of_the_plane(page: webdriver.Chrome, colours: str) -> None:
    button = page.find_element(By.CSS_SELECTOR, f"[data-colours={colours}]")
    page.execute_script("arguments[0].scrollIntoView({ block: 'center' })", button)
    button.click()

    assert json.loads(page.execute_script(VISIBLE_TAGS)) == [[colours]]
    pressed = page.find_elements(By.CSS_SELECTOR, "[data-colours][aria-pressed=true]")
    assert pressed == [button]
    assert [entry for entry in page.get_log("browser") if entry["level"] != "INFO"] == []


def test_both_figures_are_drawn(page: webdriver.Chrome) -> None:
    for name in ("clusters", "contingency"):
        chart = page.find_element(By.ID, f"figure-{name}")
        assert chart.size["height"] > 100
        assert chart.find_elements(By.CSS_SELECTOR, "*")
