"""Texts of scores and predictions for the console and the report; scores come with caveats."""

from __future__ import annotations

from collections.abc import Sequence

from job.analysis.classification.result import (
    ClassifierResult,
    NearDuplicates,
    PairedComparison,
    PredictionSummary,
    SplitCounts,
)
from job.analysis.classification.scores import Scores
from job.runtime.formatting import count_text, percent_text, pluralize


def result_lines(results: Sequence[ClassifierResult]) -> list[str]:
    """The console lines of each classifier: its score, then the notes on it."""
    lines = []
    for result in results:
        lines.append(f"{result.name}: {score_text(result.scores)}, on {input_text(result)}")
        lines += [f"  {note}" for note in notes(result)]
    return lines


def prediction_lines(predicted: PredictionSummary, threshold: float, listed_in: str) -> list[str]:
    """The number of predicted images, and those with the lowest confidence.

    `threshold` is the probability below which images are in the file `listed_in`.
    """
    lines = [f"{pluralize(predicted.images, 'image')} predicted"]
    if not predicted.low_confidence:
        return [*lines, f"none with a probability below {threshold:g}"]
    low = count_text(predicted.low_confidence)
    lines.append(f"{low} with a probability below {threshold:g}: {listed_in}")
    return lines + [f"  {p:.2f} {label}: {path}" for path, label, p in predicted.least_confident]


def notes(result: ClassifierResult) -> list[str]:
    """The caveats of a score: the split, near-duplicates, and classes seen in training."""
    return [
        split_text(result.split),
        duplicates_text(result.near_duplicates),
        seen_classes_text(result.split),
        *(components_text(result, comparison) for comparison in result.against),
    ]


def score_text(scores: Scores) -> str:
    """Accuracy, macro F1 and the number of test images."""
    if scores.accuracy is None or scores.macro_f1 is None:
        return "no images, no score"
    accuracy, images = percent_text(scores.accuracy), pluralize(scores.images, "image")
    return f"accuracy {accuracy}, macro F1 {scores.macro_f1:.3f} of {images}"


def input_text(result: ClassifierResult) -> str:
    """The input of the classifier: features or components."""
    if result.variance is None:
        return pluralize(result.columns, "feature")
    share = percent_text(result.variance)
    return f"{pluralize(result.columns, 'component')} with {share} of the variance"


def split_text(split: SplitCounts) -> str:
    """The rule of the split, and the numbers of training and test images."""
    unlabelled = count_text(split.unlabelled)
    omitted = f", {unlabelled} without a label left out" if split.unlabelled else ""
    return (
        f"{split.rule}, seed {split.seed}: {count_text(split.train_images)} images to train, "
        f"{count_text(split.test_images)} to test{omitted}"
    )


def duplicates_text(duplicates: NearDuplicates) -> str:
    """The test images with a near-duplicate in training, and the score of the others."""
    compared = count_text(duplicates.compared)
    share = percent_text(duplicates.images / duplicates.compared) if duplicates.compared else "none"
    return (
        f"near-duplicates (cosine of features at least {duplicates.cosine:g}): "
        f"{count_text(duplicates.images)} of {compared} test images compared ({share}) have one in "
        f"training; the others: {score_text(duplicates.without)}"
    )


def seen_classes_text(split: SplitCounts) -> str:
    """How many test classes and groups are also in training."""
    classes = (
        f"{count_text(split.classes_in_both)} of {count_text(split.classes_tested)} test classes "
        "are also in training: expect a lower score on new objects"
    )
    if split.groups_in_both is None:
        return classes
    return f"{classes}; {pluralize(split.groups_in_both, 'group')} in training and test"


def components_text(result: ClassifierResult, comparison: PairedComparison) -> str:
    """The comparison with features, in images that only one of the two predicts correctly."""
    fewer = comparison.only_other - comparison.only_this
    difference = percent_text(abs(fewer) / result.scores.images, 2)
    verdict = (
        "equally many correct"
        if fewer == 0
        else f"{difference} {'fewer' if fewer > 0 else 'more'} correct"
    )
    return (
        f"against {comparison.other}: {verdict} on the same images; "
        f"{count_text(comparison.only_other)} only on features, "
        f"{count_text(comparison.only_this)} only on components"
    )
