"""How well clusters agree with labels: measures of their contingency table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import comb, log
from typing import NamedTuple


class Cell(NamedTuple):
    """So many images have this label and are in this cluster; None is no label."""

    label: str | None
    cluster: int
    images: int


class MainCluster(NamedTuple):
    """The cluster that most images of a label are in, and the share of them, 0 to 1."""

    label: str | None
    images: int
    cluster: int
    share: float


def adjusted_rand_index(cells: Iterable[Cell]) -> float | None:
    """1 where labels and clusters are the same groups, about 0 where chance made them, or less.

    Pairs of images that are together in both, less what chance would give (Hubert and Arabie,
    "Comparing partitions", Journal of Classification 2, 1985). Images without a label
    do not count; None where no image has one.
    """
    labelled = _labelled(cells)
    if not labelled:
        return None
    together = _pairs(each.images for each in labelled)
    by_label = _pairs(_images_by_label(labelled).values())
    by_cluster = _pairs(_images_by_cluster(labelled).values())
    if together == by_label == by_cluster:
        return 1.0
    expected = by_label * by_cluster / comb(_total(labelled), 2)
    return (together - expected) / ((by_label + by_cluster) / 2 - expected)


def normalized_mutual_information(cells: Iterable[Cell]) -> float | None:
    """What label and cluster say of each other, from 0, nothing, to 1, all.

    I(label; cluster) over the arithmetic mean of the two entropies (NMI_sum of Vinh, Epps and
    Bailey, "Information theoretic measures for clusterings comparison", JMLR 11, 2010).
    Images without a label do not count; None where no image has one.
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
    """For each label, by name and no label last, the cluster that most of its images are in."""
    cells = list(cells)
    images, largest = _images_by_label(cells), dict[str | None, Cell]()
    # Of two that hold as many, the one with the lower number.
    for cell in sorted(cells, key=lambda each: (-each.images, each.cluster)):
        largest.setdefault(cell.label, cell)
    return [
        MainCluster(label, images[label], cell.cluster, cell.images / images[label])
        for label, cell in sorted(largest.items(), key=_no_label_last)
    ]


def _no_label_last(entry: tuple[str | None, Cell]) -> tuple[bool, str]:
    return entry[0] is None, entry[0] or ""


def _labelled(cells: Iterable[Cell]) -> list[Cell]:
    return [each for each in cells if each.label is not None and each.images > 0]


def _total(cells: Sequence[Cell]) -> int:
    return sum(each.images for each in cells)


def _images_by_label(cells: Iterable[Cell]) -> Counter[str | None]:
    images: Counter[str | None] = Counter()
    for each in cells:
        images[each.label] += each.images
    return images


def _images_by_cluster(cells: Iterable[Cell]) -> Counter[int]:
    images: Counter[int] = Counter()
    for each in cells:
        images[each.cluster] += each.images
    return images


def _pairs(groups: Iterable[int]) -> int:
    return sum(comb(images, 2) for images in groups)


def _entropy(groups: Iterable[int], total: int) -> float:
    """In nats."""
    return -sum(images / total * log(images / total) for images in groups)
