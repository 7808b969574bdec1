"""The report in a browser: offline, interactive, printed."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from job.report.report import render_report
from tests.support.browser import NoBrowserError, browser, open_report
from tests.unit.report.report_examples import largest_report, planes_report

# The window coordinates of a point on a figure.
WINDOW_POSITION = """
const [name, x, y] = arguments;
const view = [...Bokeh.index].find((view) => view.el.parentElement?.id === name);
const { left, top } = view.canvas_view.el.getBoundingClientRect();
const { x_scale, y_scale } = view.frame;
return [left + x_scale.compute(x), top + y_scale.compute(y)];
"""
# Tooltips live in shadow trees.
TOOLTIPS = """
const tooltips = [];
const walk = (node) => {
  for (const element of node.querySelectorAll("*")) {
    if (element.shadowRoot === null) continue;
    if (element.matches(".bk-Tooltip") && element.checkVisibility()) {
      tooltips.push(element.shadowRoot);
    }
    walk(element.shadowRoot);
  }
};
walk(document);
const text = (root) => [...root.querySelectorAll("strong, strong + div")].map((e) => e.textContent);
const pictures = (root) => [...root.querySelectorAll("img")]
  .filter((e) => e.naturalWidth > 0 && e.checkVisibility());
return tooltips.map((root) => ({ text: text(root).join(" "), pictures: pictures(root).length }));
"""
VISIBLE_CLASSES = """
const [name] = arguments;
const view = [...Bokeh.index].find((view) => view.el.parentElement?.id === name);
const classes = view.model.renderers.filter((renderer) => renderer.tags[0] === "class");
return classes.filter((renderer) => renderer.visible).map((renderer) => renderer.name);
"""
SET_BOX_SELECT = """
for (const view of Bokeh.index) for (const tool of view.model.toolbar?.tools ?? [])
  if (tool.type === "BoxSelectTool") tool.active = arguments[0];
"""
OVERFLOW_PIXELS = "return document.documentElement.scrollWidth - innerWidth"
PLANES = ["figure-plane-0", "figure-plane-1"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[webdriver.Chrome]:
    """One browser for all tests of this file."""
    try:
        with browser() as running:
            yield running
    except NoBrowserError as error:
        pytest.fail(str(error))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of three classes with four components."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(planes_report()), encoding="utf-8")
    return path


@pytest.fixture
def page(chromium: webdriver.Chrome, report: Path) -> Iterator[webdriver.Chrome]:
    """The browser with the report freshly opened. Fails if a test leaves console messages."""
    open_report(chromium, report)
    yield chromium
    assert _messages(chromium) == []


def _messages(page: webdriver.Chrome) -> list[str]:
    """Warnings and errors of the console."""
    return [entry["message"] for entry in page.get_log("browser") if entry["level"] != "INFO"]


def _point_at(page: webdriver.Chrome, name: str, x: float, y: float) -> None:
    page.execute_script(f"document.getElementById('{name}').scrollIntoView()")
    left, top = page.execute_script(WINDOW_POSITION, name, x, y)
    actions = ActionChains(page, duration=0)
    actions.w3c_actions.pointer_action.move_to_location(round(left), round(top))
    actions.perform()


def _drag(page: webdriver.Chrome, name: str, start: Any, end: Any) -> None:
    page.execute_script(f"document.getElementById('{name}').scrollIntoView()")
    corners = [page.execute_script(WINDOW_POSITION, name, *corner) for corner in (start, end)]
    actions = ActionChains(page, duration=50)
    pointer = actions.w3c_actions.pointer_action
    pointer.move_to_location(*map(round, corners[0]))
    pointer.pointer_down()
    pointer.move_to_location(*map(round, corners[1]))
    pointer.pointer_up()
    actions.perform()


def _eventually(read: Callable[[], Any], expected: Any) -> None:
    """Bokeh reacts to the pointer with the next frame."""
    deadline = time.monotonic() + 10
    while read() != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    assert read() == expected


def test_every_figure_is_drawn(page: webdriver.Chrome) -> None:
    for chart in page.find_elements(By.CSS_SELECTOR, "[data-figure]"):
        sizes = page.execute_script("return arguments[0].getBoundingClientRect().height", chart)
        assert sizes > 100, chart.get_attribute("id")
    assert len(page.find_elements(By.CSS_SELECTOR, "[data-figure]")) == 4


def test_the_page_makes_no_requests(page: webdriver.Chrome) -> None:
    urls = page.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    assert [url for url in urls if not url.startswith("data:")] == []


@pytest.mark.parametrize(("name", "position"), [(PLANES[0], (50, 40)), (PLANES[1], (40, 50))])
def test_pointing_at_a_mark_shows_its_label_and_path(
    page: webdriver.Chrome, name: str, position: tuple[int, int]
) -> None:
    _point_at(page, name, *position)
    _eventually(lambda: page.execute_script(TOOLTIPS), [{"text": "Plum Plum/5.jpg", "pictures": 0}])


def test_classes_have_a_picture_in_their_switch_and_in_the_table(page: webdriver.Chrome) -> None:
    for selector in (".chip img", "td.picture img"):
        pictures = page.find_elements(By.CSS_SELECTOR, selector)
        assert [picture.get_property("naturalWidth") for picture in pictures] == [4] * 3, selector
        assert all(picture.is_displayed() for picture in pictures)


def test_pointing_at_an_image_with_a_thumbnail_shows_it(page: webdriver.Chrome) -> None:
    _point_at(page, PLANES[0], 0, 80)
    _eventually(
        lambda: page.execute_script(TOOLTIPS), [{"text": "Quince Quince/0.jpg", "pictures": 1}]
    )


def test_a_hidden_class_disappears_from_both_planes(page: webdriver.Chrome) -> None:
    switch = page.find_element(By.CSS_SELECTOR, '.chip[data-class="1"]')
    switch.click()
    assert switch.get_attribute("aria-pressed") == "false"
    for name in PLANES:
        assert page.execute_script(VISIBLE_CLASSES, name) == ["Apple", "Quince"]
    _point_at(page, PLANES[0], 50, 40)
    time.sleep(0.2)
    assert page.execute_script(TOOLTIPS) == []
    switch.click()
    assert page.execute_script(VISIBLE_CLASSES, PLANES[1]) == ["Apple", "Plum", "Quince"]


def test_classes_can_be_hidden_shown_and_isolated(page: webdriver.Chrome) -> None:
    page.find_element(By.CSS_SELECTOR, '[data-all="false"]').click()
    assert page.execute_script(VISIBLE_CLASSES, PLANES[0]) == []
    page.find_element(By.CSS_SELECTOR, '[data-all="true"]').click()
    assert len(page.execute_script(VISIBLE_CLASSES, PLANES[0])) == 3
    quince = page.find_element(By.CSS_SELECTOR, '.chip[data-class="2"]')
    ActionChains(page).double_click(quince).perform()
    assert page.execute_script(VISIBLE_CLASSES, PLANES[0]) == ["Quince"]


def test_images_marked_on_one_plane_are_marked_on_the_other_and_listed(
    page: webdriver.Chrome,
) -> None:
    page.execute_script(SET_BOX_SELECT, True)
    _drag(page, PLANES[1], (30, -5), (50, 25))
    marked = page.find_element(By.ID, "marked")
    _eventually(lambda: page.find_element(By.ID, "marked-title").text, "Marked images: 3 (Plum 3)")
    assert marked.is_displayed()
    texts = [item.text for item in marked.find_elements(By.TAG_NAME, "li")]
    assert texts == ["Plum\nPlum/0.jpg", "Plum\nPlum/1.jpg", "Plum\nPlum/2.jpg"]
    assert len(marked.find_elements(By.TAG_NAME, "img")) == 1


@pytest.mark.parametrize("width", [400, 800, 1280])
def test_the_page_fits_the_window(page: webdriver.Chrome, width: int) -> None:
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        _eventually(lambda: page.execute_script(OVERFLOW_PIXELS) <= 0, True)
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_printed_page_has_the_figures_and_no_switches(page: webdriver.Chrome) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    try:
        charts = page.find_elements(By.CSS_SELECTOR, "canvas.paper-chart")
        assert [chart.is_displayed() for chart in charts] == [True] * 4
        hidden = ".buttons, .contents, .marked, .hint, [data-figure]"
        for element in page.find_elements(By.CSS_SELECTOR, hidden):
            assert not element.is_displayed(), element.get_attribute("outerHTML")[:80]
        # Collapsed parts are expanded, because nobody can expand them on paper.
        assert "mobilenet_v2" in page.find_element(By.TAG_NAME, "body").text
    finally:
        page.execute_script("dispatchEvent(new Event('afterprint'))")
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert page.find_elements(By.CSS_SELECTOR, "canvas.paper-chart") == []


def test_the_page_prints_on_a_few_sheets(page: webdriver.Chrome) -> None:
    pdf = base64.b64decode(page.print_page())
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 7


def test_the_largest_report_is_below_5_mb_and_drawn(
    chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_report(largest_report()), encoding="utf-8")
    # Leaves 0.5 MB for the sections of other commands.
    assert 3_000_000 < path.stat().st_size < 4_500_000
    open_report(chromium, path)
    assert _messages(chromium) == []
    assert len(chromium.execute_script(VISIBLE_CLASSES, PLANES[1])) == 300
    search = chromium.find_element(By.ID, "class-search")
    search.send_keys("品种 29")
    chips = chromium.find_elements(By.CSS_SELECTOR, ".chip")
    assert sum(chip.is_displayed() for chip in chips) == 11
