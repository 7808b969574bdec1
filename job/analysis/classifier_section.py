"""The section of classifiers: their scores with what flatters them, and the best one in detail."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, PlainText
from bokeh.plotting import figure

from job.analysis.figures import (
    _TEXT_TOOLTIP,
    ACCENT,
    MOST_LABEL_BYTES,
    MOST_NAMED_BARS,
    _figure,
    _label_rows,
    data_uri,
)
from job.classification.result import ConfusedPair, Result
from job.classification.told import components_text, input_text, notes, score_text
from job.number_text import count_text, counted, duration_text, percent_text, shortened

FOLDER = "classifiers"
# What the page has room for: cells of 131 classes that are seldom confused, pictures of 3 kB.
MOST_CELLS = 2_000
MOST_CLASS_ROWS = 300
MOST_PAIRS = 12
MOST_PICTURES = 30
_PICTURES_OF_A_PAIR = 3
# As what is bad elsewhere on the page.
_WRONG = "#c2571f"


class OutputFiles(Protocol):
    """The files of one output, by their names under it, such as `runs/1.json`."""

    def read(self, name: str) -> bytes:
        """The content of the file `name`. Raises FileNotFoundError."""

    def names(self, folder: str) -> list[str]:
        """The names, sorted, of what is in `folder`; none where there is no such folder."""


@dataclass(frozen=True)
class Pair:
    """Two classes that were confused, with pictures of the images as (address, path)."""

    actual: str
    predicted: str
    images: str
    pictures: list[tuple[str, str]]


def read(output: OutputFiles) -> list[dict[str, Any]] | None:
    """The saved results, the best first, and pictures of the best; None where there is none.

    Best is the largest macro F1; the others come without their classes and confused pairs.
    """
    found = [_result(output, name) for name in output.names(FOLDER)]
    results = sorted(
        (each for each in found if each is not None),
        key=lambda each: (-(each.scores.macro_f1 or 0.0), each.columns, each.name),
    )
    if not results:
        return None
    best, *others = results
    best = replace(best, confusion=_largest_cells(best), confused=best.confused[:MOST_PAIRS])
    pictures = _pictures(output, best)
    brief = [
        {"result": asdict(_without_classes(each)), "thumbnails": dict[str, str]()}
        for each in others
    ]
    return [{"result": asdict(best), "thumbnails": pictures}, *brief]


def words(saved: Sequence[Mapping[str, Any]], root: str = "") -> dict[str, Any]:
    """What the section says of what `read` gave; paths are shown without `root`."""
    results = [Result.from_dict(each["result"]) for each in saved]
    if not results:
        return {"rows": []}
    best = results[0]
    return {
        "rows": [_row(each) for each in results],
        "reading": _reading(results),
        "best": best.name,
        "notes": [*notes(best), *_fold_note(best)],
        "class_rows": _class_rows(best),
        "classes_left_out": max(len(best.scores.classes) - MOST_CLASS_ROWS, 0),
        "matrix": _matrix_text(best),
        "pairs": _pairs(best, saved[0]["thumbnails"], root),
    }


def confusion_matrix(result: Result) -> figure:
    """Actual classes down, predicted ones across; the colour is the share of the actual class.

    Only pairs that occur are drawn: right ones in one colour, wrong ones in another. Up to 40
    classes are named on the axes.
    """
    labels = sorted({label for cell in result.confusion for label in cell[:2]})
    last = len(labels) - 0.5
    chart = _figure(
        x_axis_label="predicted",
        y_axis_label="actual",
        x_range=(-0.5, last),
        y_range=(-last, 0.5),
        height=min(160 + 24 * len(labels), 720),
    )
    cells = chart.rect(
        x="x",
        y="y",
        width=0.94,
        height=0.94,
        source=ColumnDataSource(_cells(result, labels)),
        fill_color="colour",
        fill_alpha="strength",
        line_color=None,
    )
    said = "<strong>@actual</strong> taken for <strong>@predicted</strong>: @images of @of images"
    chart.add_tools(HoverTool(renderers=[cells], tooltips=_TEXT_TOOLTIP.format(said)))
    chart.grid.grid_line_color = None
    _name_both_axes(chart, labels if len(labels) <= MOST_NAMED_BARS else [])
    return chart


def figures(saved: Sequence[Mapping[str, Any]]) -> dict[str, figure]:
    """The figures of the section by their ids; none where no classifier was saved."""
    if not saved:
        return {}
    return {"confusion": confusion_matrix(Result.from_dict(saved[0]["result"]))}


def _result(output: OutputFiles, name: str) -> Result | None:
    """None for what a `classify` that died has left."""
    try:
        return Result.from_json(output.read(f"{FOLDER}/{name}/result.json").decode())
    except FileNotFoundError:
        return None


def _pictures(output: OutputFiles, result: Result) -> dict[str, str]:
    try:
        there = json.loads(output.read(f"{FOLDER}/{result.name}/thumbnails.json"))
    except FileNotFoundError:
        return {}
    wanted = [path for pair in result.confused for path in pair.examples]
    return {path: there[path] for path in wanted if path in there}


def _largest_cells(result: Result) -> list[tuple[str, str, int]]:
    """All right ones first, then the most frequent errors, MOST_CELLS together."""
    ordered = sorted(result.confusion, key=lambda cell: (cell[0] != cell[1], -cell[2]))
    return ordered[:MOST_CELLS]


def _without_classes(result: Result) -> Result:
    scores = replace(result.scores, classes=[])
    return replace(result, scores=scores, classes=[], confusion=[], confused=[])


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


def _class_rows(result: Result) -> list[dict[str, str]]:
    """Classes by F1, the worst first."""
    ordered = sorted(result.scores.classes, key=lambda each: (each.f1, each.label))
    return [
        {
            "name": shortened(each.label, MOST_LABEL_BYTES),
            "precision": percent_text(each.precision),
            "recall": percent_text(each.recall),
            "f1": f"{each.f1:.3f}",
            "images": count_text(each.support),
        }
        for each in ordered[:MOST_CLASS_ROWS]
    ]


def _matrix_text(result: Result) -> str:
    wrong = sum(images for actual, predicted, images in result.confusion if actual != predicted)
    classes = counted(len(result.scores.classes), "class", "classes")
    off = counted(wrong, "image")
    return f"Confusion matrix of {result.name}: {classes}, {off} off the diagonal."


def _pairs(result: Result, thumbnails: Mapping[str, str], root: str) -> list[Pair]:
    left = MOST_PICTURES
    found = []
    for pair in result.confused[:MOST_PAIRS]:
        shown = [path for path in pair.examples if path in thumbnails]
        shown = shown[: min(_PICTURES_OF_A_PAIR, left)]
        left -= len(shown)
        pictures = [(data_uri(thumbnails[path]), path.removeprefix(root)) for path in shown]
        found.append(_pair(pair, pictures))
    return found


def _pair(pair: ConfusedPair, pictures: list[tuple[str, str]]) -> Pair:
    return Pair(
        actual=shortened(pair.actual, MOST_LABEL_BYTES),
        predicted=shortened(pair.predicted, MOST_LABEL_BYTES),
        images=count_text(pair.images),
        pictures=pictures,
    )


def _cells(result: Result, labels: Sequence[str]) -> dict[str, Any]:
    place = {label: index for index, label in enumerate(labels)}
    support = {each.label: each.support for each in result.scores.classes}
    rows = [
        (actual, predicted, n, max(support[actual], 1)) for actual, predicted, n in result.confusion
    ]
    return {
        "x": [place[predicted] for _, predicted, _, _ in rows],
        "y": [-place[actual] for actual, _, _, _ in rows],
        "actual": [shortened(actual, MOST_LABEL_BYTES) for actual, _, _, _ in rows],
        "predicted": [shortened(predicted, MOST_LABEL_BYTES) for _, predicted, _, _ in rows],
        "images": [n for _, _, n, _ in rows],
        "of": [whole for _, _, _, whole in rows],
        "colour": [ACCENT if actual == predicted else _WRONG for actual, predicted, _, _ in rows],
        # A single error among many images is still to be seen.
        "strength": [round(0.2 + 0.8 * n / whole, 3) for _, _, n, whole in rows],
    }


def _name_both_axes(chart: figure, labels: Sequence[str]) -> None:
    _label_rows(chart, {-float(index): label for index, label in enumerate(labels)})
    chart.xaxis.ticker = FixedTicker(ticks=[*range(len(labels))])
    chart.xaxis.major_label_overrides = {
        index: PlainText(text=shortened(label, 24)) for index, label in enumerate(labels)
    }
    chart.xaxis.major_label_orientation = 0.9
    chart.xaxis.major_tick_line_color = None


def _percent(share: float | None) -> str:
    return "–" if share is None else percent_text(share)
