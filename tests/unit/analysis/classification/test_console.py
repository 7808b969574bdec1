"""Console texts show each score with its split and its caveats."""

from __future__ import annotations

from dataclasses import replace

import pytest

from job.analysis.classification.console import components_text, prediction_lines, result_lines
from job.analysis.classification.result import PairedComparison, PredictionSummary
from tests.unit.analysis.classification.examples import fruit_result, pca_result


@pytest.mark.parametrize(
    "text",
    [
        "logistic-regression-features: accuracy 75.0 %, macro F1 0.551 of 20 images, "
        "on 1,280 features",
        "tested on 20 % of each class, seed 0: 80 images to train, 20 to test, "
        "3 without a label left out",
        "5 of 20 test images compared (25.0 %) have one in training",
        "the others: accuracy 66.7 %, macro F1 0.500 of 15 images",
        "2 of 2 test classes are also in training",
    ],
)
def test_a_score_comes_with_its_caveats(text: str) -> None:
    assert text in "\n".join(result_lines([fruit_result()]))


def test_groups_in_training_and_test_are_counted() -> None:
    split = replace(fruit_result().split, groups_in_both=1)
    text = "\n".join(result_lines([fruit_result(split=split)]))
    assert "new objects; 1 group in training and test" in text
    assert "group" not in "\n".join(result_lines([fruit_result()]))


def test_components_are_compared_with_features_image_by_image() -> None:
    text = "\n".join(result_lines([pca_result()]))
    assert "on 44 components with 90.1 % of the variance" in text
    assert (
        "against logistic-regression-features: 10.00 % fewer correct on the same images; "
        "3 only on features, 1 only on components"
    ) in text
    equal = components_text(pca_result(), PairedComparison("x", only_this=2, only_other=2))
    assert "equally many correct on the same images" in equal
    more = components_text(pca_result(), PairedComparison("x", only_this=3, only_other=2))
    assert "5.00 % more correct" in more


def test_images_of_low_confidence_are_counted_and_listed() -> None:
    predicted = PredictionSummary(1200, 2, [("s3a://b/1.jpg", "Plum", 0.314)])
    assert prediction_lines(predicted, 0.5, "out/low_confidence.csv") == [
        "1,200 images predicted",
        "2 with a probability below 0.5: out/low_confidence.csv",
        "  0.31 Plum: s3a://b/1.jpg",
    ]
    assert prediction_lines(PredictionSummary(1, 0, []), 0.5, "x")[-1] == (
        "none with a probability below 0.5"
    )
