"""Scores from a confusion matrix, compared with scikit-learn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn import metrics

from job.analysis.classification.scores import compute_scores, most_confused

# D is never predicted; no image has class E.
ACTUAL = list("AAAAABBBBCCCDD")
PREDICTED = list("AAABEBBCABCCCA")
PAIRS = Counter(zip(ACTUAL, PREDICTED, strict=True))


def test_accuracy_and_macro_f1_match_scikit_learn() -> None:
    scores = compute_scores(PAIRS)
    assert scores.images == 14
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(ACTUAL, PREDICTED))
    expected = metrics.f1_score(ACTUAL, PREDICTED, average="macro", zero_division=0)
    assert scores.macro_f1 == pytest.approx(expected)


def test_class_scores_match_scikit_learn() -> None:
    expected = metrics.precision_recall_fscore_support(ACTUAL, PREDICTED, zero_division=0)
    classes = compute_scores(PAIRS).classes
    assert [score.label for score in classes] == list("ABCDE")
    rows = [(score.precision, score.recall, score.f1, score.support) for score in classes]
    np.testing.assert_allclose(np.array(rows).T, expected)


def test_the_most_confused_pairs_exclude_correct_ones() -> None:
    pairs = {("A", "A"): 9, ("A", "B"): 2, ("B", "A"): 5, ("C", "A"): 2, ("C", "B"): 1}
    assert most_confused(pairs, 3) == [("B", "A", 5), ("A", "B", 2), ("C", "A", 2)]


def test_without_images_there_are_no_scores() -> None:
    scores = compute_scores({})
    assert (scores.images, scores.accuracy, scores.macro_f1) == (0, None, None)
