"""Scores out of counts, against scikit-learn's of the same predictions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn import metrics

from job.analysis.classification.scores import most_confused, scores

# One class that is never predicted (D), one that nothing is of (E).
ACTUAL = list("AAAAABBBBCCCDD")
PREDICTED = list("AAABEBBCABCCCA")
PAIRS = Counter(zip(ACTUAL, PREDICTED, strict=True))


def test_accuracy_and_macro_f1_are_those_of_scikit_learn() -> None:
    found = scores(PAIRS)
    assert found.images == 14
    assert found.accuracy == pytest.approx(metrics.accuracy_score(ACTUAL, PREDICTED))
    expected = metrics.f1_score(ACTUAL, PREDICTED, average="macro", zero_division=0)
    assert found.macro_f1 == pytest.approx(expected)


def test_each_class_has_the_scores_of_scikit_learn() -> None:
    expected = metrics.precision_recall_fscore_support(ACTUAL, PREDICTED, zero_division=0)
    found = scores(PAIRS).classes
    assert [each.label for each in found] == list("ABCDE")
    rows = [(each.precision, each.recall, each.f1, each.support) for each in found]
    np.testing.assert_allclose(np.array(rows).T, expected)


def test_the_most_confused_pairs_come_first_and_right_ones_never() -> None:
    pairs = {("A", "A"): 9, ("A", "B"): 2, ("B", "A"): 5, ("C", "A"): 2, ("C", "B"): 1}
    assert most_confused(pairs, 3) == [("B", "A", 5), ("A", "B", 2), ("C", "A", 2)]


def test_no_image_has_no_score() -> None:
    found = scores({})
    assert (found.images, found.accuracy, found.macro_f1) == (0, None, None)
