"""Scores and predictions in words, for the console and the report: no score without its caveats."""

from __future__ import annotations

from collections.abc import Sequence

from job.analysis.classification.result import (
    NearDuplicates,
    Paired,
    Predicted,
    Result,
    SplitCounts,
)
from job.analysis.classification.scores import Scores
from job.runtime.formatting import count_text, counted, percent_text


def told_results(results: Sequence[Result]) -> list[str]:
    """What a person reads of each classifier: score, how it was tested, what flatters it."""
    lines = []
    for result in results:
        lines.append(f"{result.name}: {score_text(result.scores)}, on {input_text(result)}")
        lines += [f"  {note}" for note in notes(result)]
    return lines


def told_predictions(predicted: Predicted, below: float, listed: str) -> list[str]:
    """How many images were predicted, and the least sure of them."""
    lines = [f"{counted(predicted.images, 'image')} predicted"]
    if not predicted.unsure:
        return [*lines, f"none with a probability below {below:g}"]
    lines.append(f"{count_text(predicted.unsure)} with a probability below {below:g}: {listed}")
    return lines + [f"  {p:.2f} {label}: {path}" for path, label, p in predicted.least_sure]


def notes(result: Result) -> list[str]:
    """All that must stand beside the score."""
    return [
        split_text(result.split),
        duplicates_text(result.near_duplicates),
        varieties_text(result.split),
        *(components_text(result, each) for each in result.against),
    ]


def score_text(scores: Scores) -> str:
    """Accuracy and macro F1 of how many images."""
    if scores.accuracy is None or scores.macro_f1 is None:
        return "no image, no score"
    accuracy = percent_text(scores.accuracy)
    return (
        f"accuracy {accuracy}, macro F1 {scores.macro_f1:.3f} of {counted(scores.images, 'image')}"
    )


def input_text(result: Result) -> str:
    """What the classifier saw."""
    if result.variance is None:
        return counted(result.columns, "feature")
    share = percent_text(result.variance)
    return f"{counted(result.columns, 'component')} with {share} of the variance"


def split_text(split: SplitCounts) -> str:
    """How it was tested."""
    unlabelled = count_text(split.unlabelled)
    left_out = f", {unlabelled} without a label left out" if split.unlabelled else ""
    return (
        f"{split.rule}, seed {split.seed}: {count_text(split.train_images)} images to train, "
        f"{count_text(split.test_images)} to test{left_out}"
    )


def duplicates_text(found: NearDuplicates) -> str:
    """How many test images training has nearly the same of, and the score without them."""
    share = percent_text(found.images / found.compared) if found.compared else "none"
    have = f"{count_text(found.images)} of {count_text(found.compared)} test images compared"
    return (
        f"near-duplicates (cosine of features at least {found.cosine:g}): {have} ({share}) have "
        "one in training; "
        f"the others: {score_text(found.without)}"
    )


def varieties_text(split: SplitCounts) -> str:
    """How many of the classes and groups that test are in training too."""
    classes = (
        f"{count_text(split.classes_in_both)} of {count_text(split.classes_tested)} classes tested "
        "are in training too: of objects never photographed before expect less"
    )
    if split.groups_in_both is None:
        return classes
    return f"{classes}; {counted(split.groups_in_both, 'group')} in training and test"


def components_text(result: Result, paired: Paired) -> str:
    """Whether the components are enough, told by the images that only one of both has right."""
    fewer = paired.only_other - paired.only_this
    difference = percent_text(abs(fewer) / result.scores.images, 2)
    verdict = (
        "as many right" if fewer == 0 else f"{difference} {'fewer' if fewer > 0 else 'more'} right"
    )
    return (
        f"against {paired.other}: {verdict} on the same images; "
        f"{count_text(paired.only_other)} only on features, "
        f"{count_text(paired.only_this)} only on components"
    )
