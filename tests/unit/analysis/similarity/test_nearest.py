"""Distances, compared with scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import cosine_distances as sklearn_cosine
from sklearn.metrics.pairwise import euclidean_distances as sklearn_euclidean

from job.analysis.similarity.nearest import cosine_distances, euclidean_distances

ROWS = np.random.default_rng(3).normal(size=(50, 8))
QUERY = np.random.default_rng(4).normal(size=8)


def test_distances_match_scikit_learn() -> None:
    cosine, euclidean = sklearn_cosine(ROWS, [QUERY])[:, 0], sklearn_euclidean(ROWS, [QUERY])[:, 0]
    np.testing.assert_allclose(cosine_distances(ROWS, QUERY), cosine, atol=1e-12)
    np.testing.assert_allclose(euclidean_distances(ROWS, QUERY), euclidean, atol=1e-9)


def test_a_row_has_distance_zero_from_itself() -> None:
    assert euclidean_distances(ROWS, ROWS[0])[0] == 0
    assert 0 <= cosine_distances(ROWS, ROWS[0])[0] < 1e-12


def test_cosine_distance_ignores_length() -> None:
    np.testing.assert_allclose(cosine_distances(ROWS, 9 * QUERY), cosine_distances(ROWS, QUERY))


def test_zero_vectors_have_cosine_distance_one() -> None:
    assert cosine_distances(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([2.0, 0.0])).tolist() == [
        1.0,
        0.0,
    ]
    assert cosine_distances(np.ones((2, 3)), np.zeros(3)).tolist() == [1.0, 1.0]
