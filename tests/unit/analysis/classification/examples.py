"""Results that are small enough to compute by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from job.analysis.classification.result import (
    ClassifierResult,
    ConfusedPair,
    FoldScore,
    NearDuplicates,
    PairedComparison,
    SplitCounts,
)
from job.analysis.classification.scores import Scores, compute_scores

CONFUSION = {("Apple", "Apple"): 9, ("Apple", "Plum"): 1, ("Plum", "Plum"): 6, ("Plum", "Pear"): 4}


def fruit_result(**changes: Any) -> ClassifierResult:
    """15 of 20 test images are correct; 5 of the 20 have a near-duplicate in training."""
    result = ClassifierResult(
        name="logistic-regression-features",
        classifier="logistic-regression",
        on="features",
        columns=1280,
        variance=None,
        run_id="20260102t030405-1a2b3c",
        created="2026-01-02T03:04:05+00:00",
        fingerprint={"backbone": "mobilenet_v2"},
        versions={"spark": "4.0.2"},
        parameters={"regParam": 0.01},
        class_weight="balanced",
        classes=["Apple", "Pear", "Plum"],
        split=SplitCounts("tested on 20 % of each class", 0, 80, 20, 3, 2, 2),
        scores=compute_scores(CONFUSION),
        folds=[FoldScore(0, 20, 0.75, 0.567)],
        confusion=[(*pair, images) for pair, images in CONFUSION.items()],
        confused=[
            ConfusedPair("Plum", "Pear", 4, ["s3a://fruits/train/Plum/1.jpg"]),
            ConfusedPair("Apple", "Plum", 1, ["s3a://fruits/train/Apple/1.jpg"]),
        ],
        near_duplicates=NearDuplicates(0.95, 20, 5, Scores(5, 1.0, 1.0), Scores(15, 2 / 3, 0.5)),
        seconds={"train": 12.0, "test": 1.0},
    )
    return replace(result, **changes)


def pca_result() -> ClassifierResult:
    """The same classifier on 44 components, with two images fewer correct."""
    confusion = {**CONFUSION, ("Apple", "Apple"): 7, ("Apple", "Plum"): 3}
    return fruit_result(
        name="logistic-regression-pca",
        on="pca",
        columns=44,
        variance=0.901,
        scores=compute_scores(confusion),
        against=[PairedComparison("logistic-regression-features", only_this=1, only_other=3)],
    )
