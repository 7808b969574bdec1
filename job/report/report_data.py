"""Everything the report shows, as plain data that outlives the run: report/data.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from job.errors import InvalidValueError

FORMAT_VERSION = 1


class Point(NamedTuple):
    """One image on the PCA plane.

    `x`, `y`, `third` and `fourth` are its first components (None beyond k), `thumbnail` a JPEG
    in base64 without a prefix, which only a few points have.
    """

    path: str
    label: str | None
    x: float
    y: float | None = None
    thumbnail: str | None = None
    # At the end: rows that earlier versions wrote lack them.
    third: float | None = None
    fourth: float | None = None

    def component(self, number: int) -> float | None:
        """The component of this number, from 1; None for one that was not kept."""
        components = (self.x, self.y, self.third, self.fourth)
        return components[number - 1] if number <= len(components) else None


class ClassCount(NamedTuple):
    """How many images of the whole output have a label; None is no label."""

    label: str | None
    images: int


class QuarantinedImage(NamedTuple):
    """One object without features, and why; `thumbnail` is what can be seen of it, as in Point."""

    path: str
    reason: str
    detail: str | None = None
    thumbnail: str | None = None


@dataclass(frozen=True)
class ReportData:
    """What one run left behind, as the report shows it.

    `summary` is `runs/<run_id>.json`. `variance_curve` holds the explained variance ratio of
    every component of the fit (they sum to 1), of which the first `k` are kept;
    `variance_asked` is None when k was given by number. `points` and `quarantine` are bounded
    samples; `points_total`, `sampling_rule` and `quarantine_reasons` say of what.
    `storage_bytes` is the size of `images`, `features`, `projection` and `csv`, as far as they
    are there. `sections` holds what further sections read from the output, by section id.
    """

    summary: Mapping[str, Any]
    feature_count: int
    k: int
    variance_asked: float | None
    variance_curve: Sequence[float]
    points: Sequence[Point]
    points_total: int
    sampling_rule: str
    classes: Sequence[ClassCount]
    quarantine: Sequence[QuarantinedImage] = ()
    quarantine_reasons: Mapping[str, int] = field(default_factory=dict)
    storage_bytes: Mapping[str, int] = field(default_factory=dict)
    sections: Mapping[str, Any] = field(default_factory=dict)

    @property
    def class_count(self) -> int:
        """How many labels there are; no label is none."""
        return sum(each.label is not None for each in self.classes)

    @property
    def variance_kept(self) -> float:
        """The share of the variance, 0 to 1, that the first k components explain."""
        return float(sum(self.variance_curve[: self.k]))

    @property
    def quarantine_total(self) -> int:
        """How many objects are in quarantine, shown or not."""
        return sum(self.quarantine_reasons.values())

    def to_json(self) -> str:
        """The text of data.json, UTF-8, rows as arrays in the order of their named tuples."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return json.dumps({"format_version": FORMAT_VERSION, **values}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ReportData:
        """What `to_json` wrote; raises InvalidValueError for anything else."""
        values = _values_of_this_version(text)
        rows = {"points": Point, "classes": ClassCount, "quarantine": QuarantinedImage}
        try:
            for name, row_type in rows.items():
                values[name] = [row_type(*row) for row in values[name]]
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise _unreadable(str(error)) from error


def _values_of_this_version(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise _unreadable(str(error)) from error
    version = values.pop("format_version", None) if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise _unreadable(f"its format_version is {version!r}")
    return dict(values)


def _unreadable(why: str) -> InvalidValueError:
    return InvalidValueError(
        f"report/data.json cannot be read: {why}",
        expected=f"a file of format_version {FORMAT_VERSION} that a run has written",
        fix="run `image-features run` on this output again",
    )
