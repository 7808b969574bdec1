"""The result of a clustering: clusters/result.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from job.analysis.clustering.agreement import Cell, MainCluster
from job.errors import InvalidValueError
from job.runtime.formatting import pluralize

RESULT = "result.json"
_FORMAT = 1


@dataclass(frozen=True)
class ClusterResult:
    """The measures of one clustering.

    `clusters` is the requested number, `clusters_found` the number of non-empty clusters, and
    `components` is k of the projection. `silhouette` (-1 to 1) uses squared Euclidean distance and
    is None for a single cluster. `sum_of_squares` adds up the squared distances of the images to
    their cluster centres. `contingency` has one cell per pair of label and cluster that occurs.
    """

    run_id: str
    created: str
    images: int
    components: int
    clusters: int
    clusters_found: int
    seed: int
    starts: int
    silhouette: float | None
    adjusted_rand_index: float | None
    normalized_mutual_information: float | None
    sum_of_squares: float
    labels: Sequence[MainCluster]
    contingency: Sequence[Cell]
    fingerprint: Mapping[str, Any]
    versions: Mapping[str, str]

    def to_json(self) -> str:
        """JSON with sorted keys; the rows of `labels` and `contingency` are objects."""
        values = asdict(self) | {
            "format": _FORMAT,
            "labels": [main._asdict() for main in self.labels],
            "contingency": [cell._asdict() for cell in self.contingency],
        }
        return json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ClusterResult:
        """The result that `to_json` wrote. Raises InvalidValueError for anything else."""
        try:
            values = json.loads(text)
            arguments = {field.name: values[field.name] for field in fields(cls)}
            arguments["labels"] = [MainCluster(**row) for row in arguments["labels"]]
            arguments["contingency"] = [Cell(**row) for row in arguments["contingency"]]
            if values["format"] != _FORMAT:
                raise ValueError(f"its format is {values['format']!r}")
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidValueError(
                f"clusters/result.json cannot be read: {error}",
                expected=f"a file of format {_FORMAT} that `image-features cluster` wrote",
                fix="run `image-features cluster` on this output again",
            ) from error
        return cls(**arguments)

    def summary_line(self) -> str:
        """The measures in one line."""
        clusters = pluralize(self.clusters_found, "cluster")
        silhouette = metric_text(self.silhouette)
        rand_index = metric_text(self.adjusted_rand_index)
        mutual_information = metric_text(self.normalized_mutual_information)
        return (
            f"cluster: {clusters} of {pluralize(self.images, 'image')}; silhouette {silhouette}; "
            f"agreement with the labels: adjusted Rand index {rand_index}, "
            f"normalized mutual information {mutual_information}"
        )


def metric_text(value: float | None) -> str:
    """A measure with three decimals; a dash for None."""
    return "–" if value is None else f"{value:.3f}"
