"""The classifiers section shows scores with their caveats, and appears only with classifiers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from job.analysis.classification.result import ClassifierResult, ConfusedPair
from job.analysis.classification.scores import compute_scores, most_confused
from job.report.classifier_figures import confusion_matrix
from job.report.classifier_section import MAX_CLASSES, MAX_PICTURES, read
from job.report.report import render_report
from tests.unit.analysis.classification.examples import fruit_result, pca_result
from tests.unit.report.report_examples import Files, fruit_report, thumbnail
from tests.unit.report.test_report import HOSTILE, Page

PICTURES = {"s3a://fruits/train/Plum/1.jpg": thumbnail()}


def section(*results: ClassifierResult) -> dict[str, Any]:
    """The section's data as data.json stores it."""
    content = {f"classifiers/{result.name}/result.json": result.to_json() for result in results}
    pictures = {
        f"classifiers/{result.name}/thumbnails.json": json.dumps(PICTURES) for result in results
    }
    return {"classifiers": json.loads(json.dumps(read(Files(content | pictures))))}


def page_of(*results: ClassifierResult) -> Page:
    return Page(render_report(fruit_report(sections=section(*results))))


def figures_of(page: Page) -> set[str]:
    return set(json.loads(page.data)["elements"].values())


def result_of(counts: dict[tuple[str, str], int]) -> ClassifierResult:
    """A result with these counts of (actual, predicted)."""
    return fruit_result(
        scores=compute_scores(counts),
        confusion=[(*pair, images) for pair, images in counts.items()],
        confused=[ConfusedPair(*pair, []) for pair in most_confused(counts, 20)],
        classes=sorted({label for pair in counts for label in pair}),
    )


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of(pca_result(), fruit_result())


@pytest.mark.parametrize(
    "text",
    [
        "Best by macro F1 is logistic-regression-features: accuracy 75.0 %, macro F1 0.551",
        "logistic-regression-pca against logistic-regression-features: 10.00 % fewer correct",
        "logistic-regression-features 1,280 features 75.0 % 0.551 20 5 of 20 66.7 % of 15 2 of 2",
        "5 of 20 test images compared (25.0 %) have one in training",
        "2 of 2 test classes are also in training:",
        "3 classes, 5 images off the diagonal",
        "Plum Pear 4",
        "Apple 100.0 % 90.0 % 0.947 10",
    ],
)
def test_the_page_shows(page: Page, text: str) -> None:
    assert text in page.text


def test_confused_images_are_shown_as_pictures(page: Page) -> None:
    assert f"data:image/jpeg;base64,{thumbnail()}" in page.references


def test_the_confusion_matrix_is_drawn(page: Page) -> None:
    assert "confusion" in figures_of(page)


def test_a_cell_of_the_matrix_is_a_pair_with_its_share_of_the_class() -> None:
    matrix = confusion_matrix(fruit_result())
    cells = matrix.renderers[0].data_source.data
    # Apple, Pear, Plum: 4 of 10 plums were predicted as pears.
    rows = zip(*(cells[name] for name in ("x", "y", "images", "of", "strength")), strict=True)
    assert sorted(rows) == [
        (0, 0, 9, 10, 0.92),
        (1, -2, 4, 10, 0.52),
        (2, -2, 6, 10, 0.68),
        (2, 0, 1, 10, 0.28),
    ]


def test_an_output_without_classifiers_has_no_section() -> None:
    assert read(Files({"runs/1.json": "{}"})) is None
    page = Page(render_report(fruit_report()))
    assert "Classifiers" not in page.text
    assert "confusion" not in figures_of(page)


def test_unfinished_and_foreign_results_are_skipped() -> None:
    others = {
        "classifiers/random-forest-pca/model/metadata": "",
        "classifiers/another/result.json": '{"accuracy": 1}',
    }
    assert read(Files(others)) is None


def test_hostile_labels_are_escaped() -> None:
    page = page_of(result_of({(HOSTILE, HOSTILE): 3, ("x", HOSTILE): 1}))
    assert HOSTILE[:15] in page.text
    assert page.handlers == []
    assert "<" not in page.data


def test_the_worst_of_many_classes_are_shown() -> None:
    labels = [f"class {number:03d}" for number in range(MAX_CLASSES + 50)]
    counts = {(label, label): 9 for label in labels} | {(labels[-1], labels[-2]): 1}
    page = page_of(result_of(counts))
    assert f"{len(labels)} classes, 1 image off the diagonal" in page.text
    assert f"Only the {MAX_CLASSES} worst classes are drawn." in page.text
    assert "50 pairs of classes are not drawn." in page.text
    assert "the best 50 are left out" in page.text


def test_131_classes_stay_within_the_size_limits() -> None:
    labels = [f"{number} {'果' * 100}" for number in range(131)]
    sections = section(result_of({(a, b): 9 if a == b else 1 for a in labels for b in labels}))
    # A section may add 200 kB to report/data.json, pictures included, and 300 kB to the page.
    pictures = MAX_PICTURES * len(thumbnail())
    assert len(json.dumps(sections, ensure_ascii=False).encode()) + pictures < 200_000
    plain = len(render_report(fruit_report()).encode())
    assert len(render_report(fruit_report(sections=sections)).encode()) - plain < 300_000
