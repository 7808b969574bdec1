"""The section of classifiers: scores beside what flatters them, and only where there are some."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from job.analysis import classifier_section
from job.analysis.report import render_report
from job.classification.result import Result
from job.classification.scores import scores
from tests.unit.analysis.report_examples import fruit_report, thumbnail
from tests.unit.analysis.test_report import HOSTILE, Page
from tests.unit.classification.examples import fruit_result, on_components

PICTURES = {"s3a://fruits/train/Plum/1.jpg": thumbnail()}


class Files:
    """The files of an output, in memory."""

    def __init__(self, content: Mapping[str, str]) -> None:
        self.content = content

    def read(self, name: str) -> bytes:
        if name not in self.content:
            raise FileNotFoundError(name)
        return self.content[name].encode()

    def names(self, folder: str) -> list[str]:
        inside = [name.split("/") for name in self.content]
        return sorted({parts[1] for parts in inside if parts[0] == folder})


def saved(*results: Result) -> list[dict[str, Any]]:
    content = {f"classifiers/{each.name}/result.json": each.to_json() for each in results}
    pictures = {
        f"classifiers/{each.name}/thumbnails.json": json.dumps(PICTURES) for each in results
    }
    return classifier_section.read(Files(content | pictures)) or []


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render_report(fruit_report(classifiers=saved(on_components(), fruit_result()))))


@pytest.mark.parametrize(
    "shown",
    [
        "Best by macro F1 is logistic-regression-features: accuracy 75.0 %, macro F1 0.551",
        "logistic-regression-pca against logistic-regression-features: 10.00 % fewer right",
        "logistic-regression-features 1,280 features 75.0 % 0.551 20 5 of 20 66.7 % of 15 2 of 2",
        "5 of 20 test images compared (25.0 %) have one in training",
        "2 of 2 classes tested are in training too: of objects",
        "3 classes, 5 images off the diagonal",
        "Plum Pear 4",
        "Apple 100.0 % 90.0 % 0.947 10",
    ],
)
def test_the_page_shows(page: Page, shown: str) -> None:
    assert shown in page.text


def test_confused_images_are_shown_as_pictures(page: Page) -> None:
    assert f"data:image/jpeg;base64,{thumbnail()}" in page.references


def test_the_confusion_matrix_is_drawn(page: Page) -> None:
    assert "confusion" in json.loads(page.data)


def test_a_cell_of_the_matrix_is_a_pair_with_its_share_of_the_class() -> None:
    matrix = classifier_section.confusion_matrix(fruit_result())
    cells = matrix.renderers[0].data_source.data
    # Apple, Pear, Plum: 4 of 10 plums were taken for pears.
    rows = zip(*(cells[name] for name in ("x", "y", "images", "of", "strength")), strict=True)
    assert sorted(rows) == [
        (0, 0, 9, 10, 0.92),
        (1, -2, 4, 10, 0.52),
        (2, -2, 6, 10, 0.68),
        (2, 0, 1, 10, 0.28),
    ]


def test_an_output_without_classifiers_has_no_such_section() -> None:
    assert classifier_section.read(Files({"runs/1.json": "{}"})) is None
    page = Page(render_report(fruit_report()))
    assert "Classifiers" not in page.text
    assert "confusion" not in json.loads(page.data)


def test_a_classifier_that_was_not_finished_is_left_out() -> None:
    unfinished = {"classifiers/random-forest-pca/model/metadata": ""}
    assert classifier_section.read(Files(unfinished)) is None


def test_hostile_labels_are_shown_and_never_run() -> None:
    counts = {(HOSTILE, HOSTILE): 3, ("x", HOSTILE): 1}
    result = replace(
        fruit_result(scores=scores(counts)),
        confusion=[(*pair, images) for pair, images in counts.items()],
        confused=[],
    )
    page = Page(render_report(fruit_report(classifiers=saved(result))))
    assert HOSTILE[:15] in page.text
    assert page.handlers == []
    assert "<" not in page.data


def test_131_classes_stay_small() -> None:
    labels = [f"{number} {'果' * 100}" for number in range(131)]
    counts = {(a, b): 9 if a == b else 1 for a in labels for b in labels}
    result = fruit_result(
        scores=scores(counts),
        confusion=[(*pair, images) for pair, images in counts.items()],
        classes=labels,
    )
    found = saved(result)
    without = len(render_report(fruit_report()))
    assert len(render_report(fruit_report(classifiers=found))) - without < 1_000_000
