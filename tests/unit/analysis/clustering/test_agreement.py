"""Agreement of clusters and labels, compared with scikit-learn and with results by hand."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from job.analysis.clustering.agreement import (
    Cell,
    MainCluster,
    adjusted_rand_index,
    main_clusters,
    normalized_mutual_information,
)


def cells_of(labels: list[str | None], clusters: list[int]) -> list[Cell]:
    counts = Counter(zip(labels, clusters, strict=True))
    return [Cell(label, cluster, images) for (label, cluster), images in counts.items()]


@pytest.mark.parametrize("seed", range(20))
def test_both_measures_match_scikit_learn(seed: int) -> None:
    rng = random.Random(seed)
    images, kinds, groups = rng.randint(2, 300), rng.randint(1, 9), rng.randint(1, 9)
    labels: list[str | None] = [f"label {rng.randrange(kinds)}" for _ in range(images)]
    # Agreement grows with the seed, from none to strong.
    clusters = [
        int(str(label)[-1]) if rng.random() < seed / 20 else rng.randrange(groups)
        for label in labels
    ]
    cells = cells_of(labels, clusters)

    assert adjusted_rand_index(cells) == pytest.approx(
        adjusted_rand_score(labels, clusters), abs=1e-12
    )
    assert normalized_mutual_information(cells) == pytest.approx(
        normalized_mutual_info_score(labels, clusters), abs=1e-12
    )


@pytest.mark.parametrize(
    ("labels", "clusters"),
    [
        (["a", "a", "b", "b"], [1, 1, 0, 0]),
        (["a", "a"], [0, 0]),
        (["a", "b"], [0, 1]),
        (["a"], [0]),
    ],
)
def test_identical_groups_agree_fully(labels: list[str | None], clusters: list[int]) -> None:
    cells = cells_of(labels, clusters)
    assert adjusted_rand_index(cells) == 1.0
    assert normalized_mutual_information(cells) == pytest.approx(1.0)


def test_a_single_cluster_shares_no_information() -> None:
    cells = cells_of(["a", "a", "b", "b"], [0, 0, 0, 0])
    assert adjusted_rand_index(cells) == 0.0
    assert normalized_mutual_information(cells) == 0.0


def test_crossed_groups_score_below_chance() -> None:
    # Pairs: 0 of 2 and 2 together, expected 2 * 2 / 6: (0 - 2/3) / (2 - 2/3).
    cells = cells_of(["a", "a", "b", "b"], [0, 1, 0, 1])
    assert adjusted_rand_index(cells) == pytest.approx(-0.5)
    assert normalized_mutual_information(cells) == pytest.approx(0.0)


def test_ten_million_images_are_counted_exactly() -> None:
    cells = [Cell("a", 0, 9_999_999), Cell("b", 1, 1)]
    assert adjusted_rand_index(cells) == 1.0


def test_unlabelled_images_do_not_count() -> None:
    labelled = cells_of(["a", "a", "b"], [0, 1, 1])
    everything = [*labelled, Cell(None, 0, 50), Cell(None, 1, 3)]
    assert adjusted_rand_index(everything) == adjusted_rand_index(labelled)
    assert normalized_mutual_information(everything) == normalized_mutual_information(labelled)
    assert adjusted_rand_index([Cell(None, 0, 5)]) is None
    assert normalized_mutual_information([Cell(None, 0, 5)]) is None


def test_the_main_cluster_has_most_images_of_a_label() -> None:
    cells = [Cell("b", 0, 1), Cell("b", 2, 3), Cell("a", 1, 5), Cell("a", 0, 5), Cell(None, 0, 2)]
    assert main_clusters(cells) == [
        MainCluster("a", 10, 0, 0.5),
        MainCluster("b", 4, 2, 0.75),
        MainCluster(None, 2, 0, 1.0),
    ]
