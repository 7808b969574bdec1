"""The report is one page that shows the run, loads nothing and escapes names."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from job.images import decode, fetch
from job.report.page import Section, SectionContent
from job.report.quarantine_section import REASON_MEANINGS
from job.report.report import limit_thumbnails, render_report
from job.report.report_data import ClassCount, Point, QuarantinedImage, ReportData
from tests.unit.report.report_examples import fruit_report, planes_report

FETCHING_ATTRIBUTES = {"src", "href", "srcset", "action", "data", "poster", "background"}
HOSTILE = """<script>alert(1)</script><img src=x onerror="alert(2)">'"&{{ 7*7 }}</script>"""


class Page(HTMLParser):
    """The parts of an HTML page: visible text, elements, references, scripts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.inside = "", ""
        self.tags: list[str] = []
        self.references: list[str] = []
        self.handlers: list[str] = []
        self.policy = ""
        self.scripts: list[str] = []
        self.data = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.references += [values[name] for name in values if name in FETCHING_ATTRIBUTES]
        self.handlers += [name for name in values if name.startswith("on")]
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        if tag in ("script", "style"):
            self.inside = values.get("type", tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts.append(data)
        elif self.inside == "application/json":
            self.data += data
        elif not self.inside:
            self.text = f"{self.text} {data.strip()}".strip()


def _page(report: ReportData) -> Page:
    return Page(render_report(report))


@pytest.fixture(scope="module")
def page() -> Page:
    return _page(fruit_report())


def test_the_page_has_no_external_references(page: Page) -> None:
    assert page.references
    assert all(reference.startswith(("data:image/", "#")) for reference in page.references)
    style = render_report(fruit_report()).split("<style>")[1].split("</style>")[0]
    assert "@import" not in style
    assert "url(" not in style


def test_the_policy_forbids_the_network_and_allows_only_our_scripts(page: Page) -> None:
    directives = dict(part.split(" ", 1) for part in page.policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["img-src"] == "data:"
    hashes = [hashlib.sha256(script.encode()).digest() for script in page.scripts]
    allowed = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in hashes]
    assert directives["script-src"].split() == allowed
    assert len(allowed) == 2


def test_the_headline_has_images_features_and_components(page: Page) -> None:
    headline = "1,230 images of 2 classes → 1,280 features → 2 components that explain 75 %"
    assert headline in page.text


@pytest.mark.parametrize(
    "text",
    [
        "images listed 1,234 1,200 featurized, 30 reused",
        "variance explained 80.0 % at least 75 % requested",
        "images per second 13 1 min 32 s in total",
        "in quarantine 4 0.32 % of all listed",
        "1,200 featurized + 30 reused + 4 quarantined",
        "3 of 1,230 images are shown: chosen by a hash of the path.",
        "Apple 1,000 81.3 %",
        "Plum 230 18.7 %",
        "a ratio of 4.3 to 1",
        "featurize 1 min 30 s 98 %",
        "1 of 4",
        "Plum/x.jpg truncated 12 bytes",
        "run id 20260102t030405-1a2b3c",
        "git revision 0c1d2e3",
        "backbone mobilenet_v2",
        "pyspark 4.0.2",
        "images.glob **",
        "weights not set",
    ],
)
def test_the_page_shows(page: Page, text: str) -> None:
    assert text in page.text


def test_every_quarantine_reason_is_explained(page: Page) -> None:
    assert f"truncated 3 {REASON_MEANINGS['truncated']}" in page.text
    assert f"forbidden 1 {REASON_MEANINGS['forbidden']}" in page.text


def test_every_quarantine_reason_has_a_meaning_and_is_documented() -> None:
    of_bytes = {decode.NOT_AN_IMAGE, decode.UNSUPPORTED, decode.TRUNCATED, decode.TOO_MANY_PIXELS}
    of_objects = {fetch.TOO_LARGE, fetch.VANISHED, fetch.FORBIDDEN}
    assert set(REASON_MEANINGS) == of_bytes | of_objects
    documented = (Path(__file__).parents[3] / "docs" / "running.md").read_text()
    assert all(f"| `{reason}` |" in documented for reason in REASON_MEANINGS)


def test_an_empty_quarantine_has_a_message() -> None:
    page = _page(fruit_report(quarantine=[], quarantine_reasons={}))
    assert "No image was quarantined" in page.text


def test_the_figures_are_in_the_page(page: Page) -> None:
    elements = json.loads(page.data)["elements"]
    assert set(elements.values()) == {"plane-0", "classes", "curve"}


def test_hostile_names_are_escaped() -> None:
    report = fruit_report(
        points=[Point(f"s3a://b/{HOSTILE}", HOSTILE, 0.0, 0.0), Point("b", "x", 1.0, 1.0)],
        classes=[ClassCount(HOSTILE, 1), ClassCount("x", 1)],
        quarantine=[QuarantinedImage(HOSTILE, HOSTILE, HOSTILE)],
        quarantine_reasons={HOSTILE: 1},
    )
    ordinary, hostile = _page(fruit_report()), _page(replace(report, summary={"run_id": HOSTILE}))
    assert HOSTILE in hostile.text
    assert hostile.tags.count("script") == ordinary.tags.count("script")
    assert hostile.scripts == ordinary.scripts
    assert hostile.handlers == []
    assert "x" not in hostile.references
    assert "alert(1)" in hostile.data
    assert "<" not in hostile.data


def test_one_component_is_shown_as_a_strip() -> None:
    points = [Point("a", "Apple", 1.0), Point("b", "Plum", 2.0)]
    page = _page(fruit_report(points=points, k=1, variance_asked=None))
    assert "1 component that explains 50.0 % of the variance" in page.text
    assert "Component 1 explains 50.0 % of the variance" in page.text
    assert "k was set directly" in page.text


def test_a_run_without_labels_has_no_switches() -> None:
    points = [Point("a", None, 1.0, 2.0), Point("b", None, 2.0, 1.0)]
    page = _page(fruit_report(points=points, classes=[ClassCount(None, 1230)]))
    assert "1,230 images → 1,280 features" in page.text
    assert "This run took no labels from the paths" in page.text
    assert "Show all" not in page.text


def test_a_summary_without_timings_or_counts_has_a_page() -> None:
    page = _page(fruit_report(summary={}, points=[], points_total=0, variance_curve=[]))
    assert "There are no projected images to show." in page.text
    assert "Speed" not in page.text


def test_thumbnails_beyond_the_budget_are_dropped_class_by_class() -> None:
    points = [Point(str(n), label, 0.0, 0.0, "12345678") for n, label in enumerate("aaab")]
    kept = [point.path for point in limit_thumbnails(points, budget=24) if point.thumbnail]
    assert kept == ["0", "1", "3"]
    assert [point.path for point in limit_thumbnails(points, budget=0)] == ["0", "1", "2", "3"]


def test_the_same_data_gives_the_same_page() -> None:
    ids = re.compile(r'"(?:p\d+|[0-9a-f]{8}-[0-9a-f-]{27})"')
    first, second = (ids.sub("", render_report(fruit_report())) for _ in range(2))
    assert first == second


def test_the_page_shows_usage_and_with_prices_also_costs() -> None:
    usage = {"usage": {"vcpu_seconds": 1900.4, "gb_seconds": 4400.0, "pods": 3}}
    page = _page(fruit_report(summary=usage))
    assert "vCPU-seconds 1,900 requested cores times seconds" in page.text
    assert "GB-seconds 4,400 requested memory times seconds" in page.text
    assert "Pass --prices to see what they cost." in page.text
    ways = [
        {"name": "on demand", "cost": 1.234, "per_million": 987.6},
        {"name": "spot", "cost": 0.01234, "per_million": None},
    ]
    costs = {"currency": "USD", "instance": "a.large", "prices_of": "2026-01-02", "ways": ways}
    page = _page(fruit_report(summary=usage | {"cost": costs}))
    assert "on demand 1.23 USD 987.60 USD spot 0.0123 USD –" in page.text
    assert "Prices of 2026-01-02; pods are priced as shares of a.large." in page.text
    assert "Pass --prices" not in page.text


def test_a_run_without_usage_has_no_cost_section() -> None:
    assert "vCPU" not in _page(fruit_report()).text


def test_four_components_have_two_planes_and_three_have_one() -> None:
    page = _page(planes_report())
    assert "Components 1 and 2 explain 80.0 % of the variance" in page.text
    assert "Components 3 and 4 explain 20.0 % of the variance" in page.text
    assert '"plane-1"' in page.data
    three = [point._replace(fourth=None) for point in planes_report().points]
    assert '"plane-1"' not in _page(planes_report(points=three, k=3)).data


def test_quarantined_objects_show_their_readable_part() -> None:
    page = _page(planes_report())
    assert "no picture not_an_image README" in page.text
    assert "Shown: up to 6 of each reason, first by path." in page.text
    html = render_report(planes_report())
    gallery = html.split('class="gallery"')[1].split("</ul>")[0]
    assert gallery.count("data:image/jpeg;base64,") == 1
    assert 'alt="Readable part of half.jpg"' in gallery


def test_a_frequent_reason_does_not_hide_a_rare_one() -> None:
    many = [QuarantinedImage(f"a/{n:03}", "forbidden") for n in range(60)]
    images = [*many, QuarantinedImage("z", "truncated")]
    page = _page(
        fruit_report(quarantine=images, quarantine_reasons={"forbidden": 60, "truncated": 1})
    )
    assert page.text.count("no picture") == 7
    assert "51 of 61" in page.text


def test_sizes_are_compared_with_the_images() -> None:
    page = _page(planes_report())
    assert "The features table takes 75.0 % less space than the images." in page.text
    assert "The projection takes 99.0 % less space than the images." in page.text
    assert "images 6.0 MB 100 kB" in page.text
    assert "features table 1.5 MB 25 kB 25.0 %" in page.text


def test_features_can_be_larger_than_the_images() -> None:
    page = _page(planes_report(storage_bytes={"images": 100, "features": 150, "projection": 300}))
    assert "The features table takes 50.0 % more space than the images." in page.text
    assert "The projection takes 3.0 times the space of the images." in page.text


def test_a_further_section_needs_only_an_entry() -> None:
    section = Section(
        "variance",
        "A title of its own",
        lambda page: SectionContent(
            {"summary": page.data.sections["x"], "has_curve": False, "has_target": False}
        ),
    )
    html = render_report(fruit_report(sections={"x": "What was read."}), [section])
    assert Page(html).text.count("A title of its own What was read.") == 1
    assert '<section id="variance"' in html
    assert '<a href="#variance">A title of its own</a>' in html


def test_a_section_without_content_is_omitted() -> None:
    assert "#storage" in _page(planes_report()).references
    assert "#storage" not in _page(fruit_report()).references
