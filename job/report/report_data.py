"""The report's data, stored in report/data.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from job.errors import InvalidValueError

FORMAT_VERSION = 1


class Point(NamedTuple):
    """One image on the PCA plane.

    `x`, `y`, `third` and `fourth` are its first components, None beyond k. `thumbnail` is a base64
    JPEG without a prefix; only some points have one.
    """

    path: str
    label: str | None
    x: float
    y: float | None = None
    thumbnail: str | None = None
    # Last, because rows of earlier versions lack them.
    third: float | None = None
    fourth: float | None = None

    def component(self, number: int) -> float | None:
        """The component with this number, from 1; None if it was not kept."""
        components = (self.x, self.y, self.third, self.fourth)
        return components[number - 1] if number <= len(components) else None


class ClassCount(NamedTuple):
    """The number of images with a label in the whole output; None means unlabelled."""

    label: str | None
    images: int


class QuarantinedImage(NamedTuple):
    """An object without features, and the reason; `thumbnail` is its readable part, as in Point."""

    path: str
    reason: str
    detail: str | None = None
    thumbnail: str | None = None


@dataclass(frozen=True)
class ReportData:
    """The data that the report shows of one output.

    `summary` is `runs/<run_id>.json`. `variance_curve` has the explained variance ratios of all
    components of the fit; they sum to 1, and the first `k` components are kept. `variance_asked`
    is the requested share, None if k was set directly. `points` and `quarantine` are bounded
    samples; `points_total`, `sampling_rule` and `quarantine_reasons` describe what they sample.
    `storage_bytes` has the sizes of `images`, `features`, `projection` and `csv`, if they exist.
    `sections` has the data of further sections, by section id.
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
        """The number of labels; unlabelled images do not count."""
        return sum(count.label is not None for count in self.classes)

    @property
    def variance_kept(self) -> float:
        """The share of the variance, 0 to 1, that the first k components explain."""
        return float(sum(self.variance_curve[: self.k]))

    @property
    def quarantine_total(self) -> int:
        """The number of objects in quarantine, whether shown or not."""
        return sum(self.quarantine_reasons.values())

    def to_json(self) -> str:
        """The text of data.json; rows are arrays in the field order of their named tuples."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return json.dumps({"format_version": FORMAT_VERSION, **values}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ReportData:
        """The data that `to_json` wrote. Raises InvalidValueError for anything else."""
        values = _parse_current_version(text)
        rows = {"points": Point, "classes": ClassCount, "quarantine": QuarantinedImage}
        try:
            for name, row_type in rows.items():
                values[name] = [row_type(*row) for row in values[name]]
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise _unreadable(str(error)) from error


def _parse_current_version(text: str) -> dict[str, Any]:
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
        expected=f"a file of format_version {FORMAT_VERSION} that a run wrote",
        fix="run `image-features run` on this output again",
    )
