"""Distances, against scikit-learn's."""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import cosine_distances as their_cosine
from sklearn.metrics.pairwise import euclidean_distances as their_euclidean

from job.analysis.similarity.nearest import cosine_distances, euclidean_distances

ROWS = np.random.default_rng(3).normal(size=(50, 8))
QUERY = np.random.default_rng(4).normal(size=8)


def test_distances_are_those_of_scikit_learn() -> None:
    cosine, euclidean = their_cosine(ROWS, [QUERY])[:, 0], their_euclidean(ROWS, [QUERY])[:, 0]
    np.testing.assert_allclose(cosine_distances(ROWS, QUERY), cosine, atol=1e-12)
    np.testing.assert_allclose(euclidean_distances(ROWS, QUERY), euclidean, atol=1e-9)


def test_a_row_is_at_no_distance_from_itself() -> None:
    assert euclidean_distances(ROWS, ROWS[0])[0] == 0
    assert 0 <= cosine_distances(ROWS, ROWS[0])[0] < 1e-12


def test_length_does_not_matter_to_cosine() -> None:
    np.testing.assert_allclose(cosine_distances(ROWS, 9 * QUERY), cosine_distances(ROWS, QUERY))


def test_zeros_have_no_direction() -> None:
    assert cosine_distances(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([2.0, 0.0])).tolist() == [
        1.0,
        0.0,
    ]
    assert cosine_distances(np.ones((2, 3)), np.zeros(3)).tolist() == [1.0, 1.0]
