"""The section of classifiers: their scores with what flatters them, and the best one in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from job.analysis.classification.console import components_text, input_text, notes, score_text
from job.analysis.classification.result import ConfusedPair, Result
from job.analysis.classification.scores import ClassScore
from job.report.classifier_figures import confusion_matrix
from job.report.figure_style import MOST_LABEL_BYTES
from job.report.page import OutputFiles, Page, Shown, read_json
from job.report.plane_figure import data_uri
from job.runtime.formatting import count_text, counted, duration_text, percent_text, shortened

ID = "classifiers"
# What the page has room for: cells of 131 classes that are seldom confused, pictures of 3 kB.
MOST_CELLS = 800
MOST_CLASSES = 300
MOST_PAIRS = 12
MOST_PICTURES = 20


@dataclass(frozen=True)
class Pair:
    """Two classes that were confused, with pictures of the images as (address, path)."""

    actual: str
    predicted: str
    images: str
    pictures: list[tuple[str, str]]


def read(files: OutputFiles) -> dict[str, Any] | None:
    """The saved results, the best first, and pictures of the best; None where there is none.

    Best is the largest macro F1; the others come without their classes and confused pairs.
    """
    results = sorted(
        saved_results(files),
        key=lambda each: (-(each.scores.macro_f1 or 0.0), each.columns, each.name),
    )
    if not results:
        return None
    best, *others = results
    return {
        "results": [asdict(_bounded(best)), *(asdict(_without_classes(each)) for each in others)],
        "class_count": len(best.scores.classes),
        "cell_count": len(best.confusion),
        "wrong": sum(n for actual, predicted, n in best.confusion if actual != predicted),
        "thumbnails": _thumbnails(files, best),
    }


def saved_results(files: OutputFiles) -> list[Result]:
    """Of all classifiers of an output, by name."""
    found = []
    for name in files.names(ID):
        # What a `classify` that died has left, and a file of somebody else, are passed over.
        with suppress(FileNotFoundError, ValueError):
            found.append(Result.from_json(files.read(f"{ID}/{name}/result.json").decode()))
    return found


def show(page: Page) -> Shown | None:
    """Scores, the confusion matrix and confused classes; None where there is no classifier."""
    found = page.data.sections.get(ID)
    if not found:
        return None
    results = [Result.from_dict(each) for each in found["results"]]
    return Shown(_words(results, found, page), {"confusion": confusion_matrix(results[0])})


def _words(results: Sequence[Result], found: Mapping[str, Any], page: Page) -> dict[str, Any]:
    best = results[0]
    return {
        "rows": [_row(each) for each in results],
        "reading": _reading(results),
        "best": best.name,
        "notes": [*notes(best), *_fold_note(best)],
        "class_rows": _class_rows(best.scores.classes),
        "classes_left_out": found["class_count"] - len(best.scores.classes),
        "matrix": _matrix_text(best.name, found),
        "cells_left_out": found["cell_count"] - len(best.confusion),
        "pairs": [_pair(each, found["thumbnails"], page) for each in best.confused],
    }


def _bounded(result: Result) -> Result:
    """The result with as much of its classes as the page shows, the worst first; short labels."""
    worst = sorted(result.scores.classes, key=lambda each: (each.f1, each.label))[:MOST_CLASSES]
    cells = _largest_cells(result, {each.label for each in worst})
    classes = [replace(each, label=_short(each.label)) for each in worst]
    return replace(
        result,
        classes=[],
        scores=replace(result.scores, classes=classes),
        confusion=[(_short(actual), _short(predicted), n) for actual, predicted, n in cells],
        confused=[
            replace(pair, actual=_short(pair.actual), predicted=_short(pair.predicted))
            for pair in result.confused[:MOST_PAIRS]
        ],
    )


def _without_classes(result: Result) -> Result:
    scores = replace(result.scores, classes=[])
    return replace(result, scores=scores, classes=[], confusion=[], confused=[])


def _largest_cells(result: Result, labels: set[str]) -> list[tuple[str, str, int]]:
    """Of these labels all right ones first, then the most frequent errors, MOST_CELLS together."""
    cells = [cell for cell in result.confusion if {cell[0], cell[1]} <= labels]
    return sorted(cells, key=lambda cell: (cell[0] != cell[1], -cell[2]))[:MOST_CELLS]


def _thumbnails(files: OutputFiles, result: Result) -> dict[str, str]:
    """JPEG in base64 by path, of the pairs that are shown."""
    there = read_json(files, f"{ID}/{result.name}/thumbnails.json") or {}
    paths = [path for pair in result.confused[:MOST_PAIRS] for path in pair.examples]
    return {path: there[path] for path in [path for path in paths if path in there][:MOST_PICTURES]}


def _short(label: str) -> str:
    return shortened(label, MOST_LABEL_BYTES)


def _row(result: Result) -> dict[str, Any]:
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


def _reading(results: Sequence[Result]) -> str:
    """The best score in a sentence, and what the components cost where both were tried."""
    best = results[0]
    against = [
        f" {each.name} {components_text(each, paired)}."
        for each in results
        for paired in each.against
    ]
    return f"Best by macro F1 is {best.name}: {score_text(best.scores)}.{''.join(against)}"


def _fold_note(result: Result) -> list[str]:
    if len(result.folds) < 2:
        return []
    shares = [fold.accuracy for fold in result.folds]
    least, most = percent_text(min(shares)), percent_text(max(shares))
    return [f"accuracy of single folds: {least} to {most}; the saved model has seen all images"]


def _class_rows(classes: Sequence[ClassScore]) -> list[dict[str, str]]:
    return [
        {
            "name": each.label,
            "precision": percent_text(each.precision),
            "recall": percent_text(each.recall),
            "f1": f"{each.f1:.3f}",
            "images": count_text(each.support),
        }
        for each in classes
    ]


def _matrix_text(name: str, found: Mapping[str, Any]) -> str:
    classes = counted(found["class_count"], "class", "classes")
    off = counted(found["wrong"], "image")
    return f"Confusion matrix of {name}: {classes}, {off} off the diagonal."


def _pair(pair: ConfusedPair, thumbnails: Mapping[str, str], page: Page) -> Pair:
    return Pair(
        actual=pair.actual,
        predicted=pair.predicted,
        images=count_text(pair.images),
        pictures=[
            (data_uri(thumbnails[path]), page.short(path))
            for path in pair.examples
            if path in thumbnails
        ],
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else percent_text(share)
