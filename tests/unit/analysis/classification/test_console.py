"""No score is told without how it was made and what flatters it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from job.analysis.classification.console import components_text, told_predictions, told_results
from job.analysis.classification.result import Paired, Predicted
from tests.unit.analysis.classification.examples import fruit_result, on_components


@pytest.mark.parametrize(
    "said",
    [
        "logistic-regression-features: accuracy 75.0 %, macro F1 0.551 of 20 images, "
        "on 1,280 features",
        "tested on 20 % of each class, seed 0: 80 images to train, 20 to test, "
        "3 without a label left out",
        "5 of 20 test images compared (25.0 %) have one in training",
        "the others: accuracy 66.7 %, macro F1 0.500 of 15 images",
        "2 of 2 classes tested are in training too",
    ],
)
def test_a_score_comes_with_its_caveats(said: str) -> None:
    assert said in "\n".join(told_results([fruit_result()]))


def test_groups_on_both_sides_are_counted_where_there_are_groups() -> None:
    split = replace(fruit_result().split, groups_in_both=1)
    told = "\n".join(told_results([fruit_result(split=split)]))
    assert "less; 1 group in training and test" in told
    assert "group" not in "\n".join(told_results([fruit_result()]))


def test_components_are_compared_with_features_image_by_image() -> None:
    told = "\n".join(told_results([on_components()]))
    assert "on 44 components with 90.1 % of the variance" in told
    assert (
        "against logistic-regression-features: 10.00 % fewer right on the same images; "
        "3 only on features, 1 only on components"
    ) in told
    as_many = components_text(on_components(), Paired("x", only_this=2, only_other=2))
    assert "as many right on the same images" in as_many
    more = components_text(on_components(), Paired("x", only_this=3, only_other=2))
    assert "5.00 % more right" in more


def test_the_least_sure_images_are_shown_and_counted() -> None:
    predicted = Predicted(1200, 2, [("s3a://b/1.jpg", "Plum", 0.314)])
    assert told_predictions(predicted, 0.5, "out/low_confidence.csv") == [
        "1,200 images predicted",
        "2 with a probability below 0.5: out/low_confidence.csv",
        "  0.31 Plum: s3a://b/1.jpg",
    ]
    assert told_predictions(Predicted(1, 0, []), 0.5, "x")[-1] == (
        "none with a probability below 0.5"
    )
