"""The classifiers section: scores with their caveats, and the best classifier in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from job.analysis.classification.console import components_text, input_text, notes, score_text
from job.analysis.classification.result import ClassifierResult, ConfusedPair
from job.analysis.classification.scores import ClassScore
from job.report.classifier_figures import confusion_matrix
from job.report.figure_style import MAX_LABEL_BYTES
from job.report.page import OutputFiles, Page, SectionContent, read_json
from job.report.plane_figure import data_uri
from job.runtime.formatting import (
    count_text,
    duration_text,
    percent_text,
    pluralize,
    truncate_middle,
)

ID = "classifiers"
# Limits of the page: the cells of 131 rarely confused classes, pictures of 3 kB.
MAX_CELLS = 800
MAX_CLASSES = 300
MAX_PAIRS = 12
MAX_PICTURES = 20


@dataclass(frozen=True)
class Pair:
    """Two confused classes; `pictures` has (data URI, relative path) of some of the images."""

    actual: str
    predicted: str
    images: str
    pictures: list[tuple[str, str]]


def read(files: OutputFiles) -> dict[str, Any] | None:
    """The saved results as JSON values, best macro F1 first; None without a saved classifier.

    Only the best result has its classes, confused pairs and pictures.
    """
    results = sorted(
        read_results(files),
        key=lambda result: (-(result.scores.macro_f1 or 0.0), result.columns, result.name),
    )
    if not results:
        return None
    best, *others = results
    return {
        "results": [asdict(_truncate(best)), *(asdict(_drop_classes(other)) for other in others)],
        "class_count": len(best.scores.classes),
        "cell_count": len(best.confusion),
        "wrong": sum(n for actual, predicted, n in best.confusion if actual != predicted),
        "thumbnails": _read_thumbnails(files, best),
    }


def read_results(files: OutputFiles) -> list[ClassifierResult]:
    """The results of all saved classifiers of an output, by name."""
    results = []
    for name in files.list_names(ID):
        # Skips the folder of a crashed `classify`, and files of other programs.
        with suppress(FileNotFoundError, ValueError):
            results.append(
                ClassifierResult.from_json(files.read(f"{ID}/{name}/result.json").decode())
            )
    return results


def build(page: Page) -> SectionContent | None:
    """Scores, confusion matrix and confused classes; None without a saved classifier."""
    stored = page.data.sections.get(ID)
    if not stored:
        return None
    results = [ClassifierResult.from_dict(values) for values in stored["results"]]
    figures = {"confusion": confusion_matrix(results[0])}
    return SectionContent(_variables(results, stored, page), figures)


def _variables(
    results: Sequence[ClassifierResult], stored: Mapping[str, Any], page: Page
) -> dict[str, Any]:
    best = results[0]
    return {
        "rows": [_row(result) for result in results],
        "summary": _summary_text(results),
        "best": best.name,
        "notes": [*notes(best), *_fold_note(best)],
        "class_rows": _class_rows(best.scores.classes),
        "omitted_classes": stored["class_count"] - len(best.scores.classes),
        "matrix": _matrix_text(best.name, stored),
        "omitted_cells": stored["cell_count"] - len(best.confusion),
        "pairs": [_pair(pair, stored["thumbnails"], page) for pair in best.confused],
    }


def _truncate(result: ClassifierResult) -> ClassifierResult:
    """The result with only what the page shows: the worst classes first, and short labels."""
    worst = sorted(result.scores.classes, key=lambda score: (score.f1, score.label))[:MAX_CLASSES]
    cells = _largest_cells(result, {score.label for score in worst})
    classes = [replace(score, label=_short(score.label)) for score in worst]
    return replace(
        result,
        classes=[],
        scores=replace(result.scores, classes=classes),
        confusion=[(_short(actual), _short(predicted), n) for actual, predicted, n in cells],
        confused=[
            replace(pair, actual=_short(pair.actual), predicted=_short(pair.predicted))
            for pair in result.confused[:MAX_PAIRS]
        ],
    )


def _drop_classes(result: ClassifierResult) -> ClassifierResult:
    scores = replace(result.scores, classes=[])
    return replace(result, scores=scores, classes=[], confusion=[], confused=[])


def _largest_cells(result: ClassifierResult, labels: set[str]) -> list[tuple[str, str, int]]:
    """The first MAX_CELLS cells of `labels`: correct ones, then errors by frequency."""
    cells = [cell for cell in result.confusion if {cell[0], cell[1]} <= labels]
    return sorted(cells, key=lambda cell: (cell[0] != cell[1], -cell[2]))[:MAX_CELLS]


def _read_thumbnails(files: OutputFiles, result: ClassifierResult) -> dict[str, str]:
    """Base64 JPEG by path, for the pairs that the page shows."""
    stored = read_json(files, f"{ID}/{result.name}/thumbnails.json") or {}
    examples = [path for pair in result.confused[:MAX_PAIRS] for path in pair.examples]
    paths = [path for path in examples if path in stored][:MAX_PICTURES]
    return {path: stored[path] for path in paths}


def _short(label: str) -> str:
    return truncate_middle(label, MAX_LABEL_BYTES)


def _row(result: ClassifierResult) -> dict[str, Any]:
    near = result.near_duplicates
    return {
        "name": result.name,
        "input": input_text(result),
        "accuracy": _percent(result.scores.accuracy),
        "macro_f1": f"{result.scores.macro_f1 or 0.0:.3f}",
        "images": count_text(result.scores.images),
        "duplicates": f"{count_text(near.images)} of {count_text(near.compared)}",
        "without": f"{_percent(near.without.accuracy)} of {count_text(near.without.images)}",
        "in_both": f"{result.split.classes_in_both:,} of {result.split.classes_tested:,}",
        "seconds": duration_text(result.seconds.get("train", 0.0)),
        "notes": notes(result),
    }


def _summary_text(results: Sequence[ClassifierResult]) -> str:
    """The best score, and what components cost in accuracy where both inputs were tested."""
    best = results[0]
    comparisons = [
        f" {result.name} {components_text(result, comparison)}."
        for result in results
        for comparison in result.against
    ]
    return f"Best by macro F1 is {best.name}: {score_text(best.scores)}.{''.join(comparisons)}"


def _fold_note(result: ClassifierResult) -> list[str]:
    if len(result.folds) < 2:
        return []
    accuracies = [fold.accuracy for fold in result.folds]
    lowest, highest = percent_text(min(accuracies)), percent_text(max(accuracies))
    return [f"accuracy per fold: {lowest} to {highest}; the saved model was trained on all images"]


def _class_rows(classes: Sequence[ClassScore]) -> list[dict[str, str]]:
    return [
        {
            "name": score.label,
            "precision": percent_text(score.precision),
            "recall": percent_text(score.recall),
            "f1": f"{score.f1:.3f}",
            "images": count_text(score.support),
        }
        for score in classes
    ]


def _matrix_text(name: str, stored: Mapping[str, Any]) -> str:
    classes = pluralize(stored["class_count"], "class", "classes")
    errors = pluralize(stored["wrong"], "image")
    return f"Confusion matrix of {name}: {classes}, {errors} off the diagonal."


def _pair(pair: ConfusedPair, thumbnails: Mapping[str, str], page: Page) -> Pair:
    return Pair(
        actual=pair.actual,
        predicted=pair.predicted,
        images=count_text(pair.images),
        pictures=[
            (data_uri(thumbnails[path]), page.relative_path(path))
            for path in pair.examples
            if path in thumbnails
        ],
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else percent_text(share)
