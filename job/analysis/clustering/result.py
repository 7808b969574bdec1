"""What a clustering found: clusters/result.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from job.analysis.clustering.agreement import Cell, MainCluster
from job.errors import InvalidValueError
from job.runtime.formatting import counted

RESULT = "result.json"
_FORMAT = 1


@dataclass(frozen=True)
class ClusterResult:
    """The figures of one clustering.

    `clusters` were asked for; `clusters_found` hold an image. `components` is k of the projection.
    `silhouette` (-1 to 1) is by squared Euclidean distance, None with one cluster.
    `sum_of_squares` is that of the distances of images from the centres of their clusters.
    `contingency` has a cell for each pair of label and cluster that an image has.
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
        """JSON with sorted keys; rows of `labels` and `contingency` are objects."""
        values = asdict(self) | {
            "format": _FORMAT,
            "labels": [each._asdict() for each in self.labels],
            "contingency": [each._asdict() for each in self.contingency],
        }
        return json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ClusterResult:
        """What `to_json` wrote. Raises InvalidValueError for anything else."""
        try:
            values = json.loads(text)
            found = {each.name: values[each.name] for each in fields(cls)}
            found["labels"] = [MainCluster(**each) for each in found["labels"]]
            found["contingency"] = [Cell(**each) for each in found["contingency"]]
            if values["format"] != _FORMAT:
                raise ValueError(f"its format is {values['format']!r}")
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidValueError(
                f"clusters/result.json cannot be read: {error}",
                expected=f"a file of format {_FORMAT} that `image-features cluster` has written",
                fix="run `image-features cluster` on this output again",
            ) from error
        return cls(**found)

    def told(self) -> str:
        """The figures in a line."""
        return (
            f"cluster: {counted(self.clusters_found, 'cluster')} of "
            f"{counted(self.images, 'image')}; silhouette {figure_text(self.silhouette)}; with the "
            f"labels: adjusted Rand index {figure_text(self.adjusted_rand_index)}, normalized "
            f"mutual information {figure_text(self.normalized_mutual_information)}"
        )


def figure_text(figure: float | None) -> str:
    """A figure of about -1 to 1 with three decimals; a dash for none."""
    return "–" if figure is None else f"{figure:.3f}"
