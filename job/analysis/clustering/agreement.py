"""Measures the agreement of clusters and labels from their contingency table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import comb, log
from typing import NamedTuple


class Cell(NamedTuple):
    """The number of images with this label in this cluster; None means unlabelled."""

    label: str | None
    cluster: int
    images: int


class MainCluster(NamedTuple):
    """The cluster with the most images of a label, and its share of the label, 0 to 1."""

    label: str | None
    images: int
    cluster: int
    share: float


def adjusted_rand_index(cells: Iterable[Cell]) -> float | None:
    """1 if labels and clusters are the same groups, about 0 by chance; can be negative.

    The pairs of images that both groupings keep together, corrected for chance (Hubert and Arabie,
    "Comparing partitions", Journal of Classification 2, 1985). Ignores unlabelled images; None
    without labelled images.
    """
    labelled = _labelled(cells)
    if not labelled:
        return None
    in_both = _count_pairs(cell.images for cell in labelled)
    by_label = _count_pairs(_images_by_label(labelled).values())
    by_cluster = _count_pairs(_images_by_cluster(labelled).values())
    if in_both == by_label == by_cluster:
        return 1.0
    expected = by_label * by_cluster / comb(_total(labelled), 2)
    return (in_both - expected) / ((by_label + by_cluster) / 2 - expected)


def normalized_mutual_information(cells: Iterable[Cell]) -> float | None:
    """The information that labels and clusters share, from 0 (none) to 1 (all).

    I(label; cluster) over the arithmetic mean of the two entropies (NMI_sum of Vinh, Epps and
    Bailey, "Information theoretic measures for clusterings comparison", JMLR 11, 2010).
    Ignores unlabelled images; None without labelled images.
    """
    labelled = _labelled(cells)
    if not labelled:
        return None
    total = _total(labelled)
    labels, clusters = _images_by_label(labelled), _images_by_cluster(labelled)
    entropies = _entropy(labels.values(), total) + _entropy(clusters.values(), total)
    if entropies == 0:
        return 1.0
    shared = sum(
        images / total * log(images * total / (labels[label] * clusters[cluster]))
        for label, cluster, images in labelled
    )
    return max(0.0, 2 * shared / entropies)


def main_clusters(cells: Iterable[Cell]) -> list[MainCluster]:
    """The cluster with the most images of each label; labels by name, unlabelled images last."""
    cells = list(cells)
    images, largest = _images_by_label(cells), dict[str | None, Cell]()
    # In a tie, the lower cluster number wins.
    for cell in sorted(cells, key=lambda cell: (-cell.images, cell.cluster)):
        largest.setdefault(cell.label, cell)
    return [
        MainCluster(label, images[label], cell.cluster, cell.images / images[label])
        for label, cell in sorted(largest.items(), key=_unlabelled_last)
    ]


def _unlabelled_last(entry: tuple[str | None, Cell]) -> tuple[bool, str]:
    return entry[0] is None, entry[0] or ""


def _labelled(cells: Iterable[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell.label is not None and cell.images > 0]


def _total(cells: Sequence[Cell]) -> int:
    return sum(cell.images for cell in cells)


def _images_by_label(cells: Iterable[Cell]) -> Counter[str | None]:
    images: Counter[str | None] = Counter()
    for cell in cells:
        images[cell.label] += cell.images
    return images


def _images_by_cluster(cells: Iterable[Cell]) -> Counter[int]:
    images: Counter[int] = Counter()
    for cell in cells:
        images[cell.cluster] += cell.images
    return images


def _count_pairs(groups: Iterable[int]) -> int:
    return sum(comb(images, 2) for images in groups)


def _entropy(groups: Iterable[int], total: int) -> float:
    """The entropy of the groups in nats."""
    return -sum(images / total * log(images / total) for images in groups)
