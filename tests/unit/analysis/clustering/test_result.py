"""result.json keeps all figures, and nothing else is taken for it."""

from __future__ import annotations

import json

import pytest

from job.analysis.clustering.result import ClusterResult
from job.errors import InvalidValueError
from tests.unit.analysis.clustering.cluster_examples import fruit_clusters


def test_what_is_written_is_read_again() -> None:
    assert ClusterResult.from_json(fruit_clusters().to_json()) == fruit_clusters()


def test_rows_are_objects_with_names() -> None:
    values = json.loads(fruit_clusters().to_json())
    assert values["contingency"][0] == {"label": "Apple", "cluster": 0, "images": 900}
    assert values["labels"][0]["share"] == 0.9


def test_the_line_for_the_console() -> None:
    assert fruit_clusters().told() == (
        "cluster: 2 clusters of 1,230 images; silhouette 0.412; with the labels: adjusted Rand "
        "index 0.700, normalized mutual information –"
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', "null"])
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="run `image-features cluster`"):
        ClusterResult.from_json(text)


def test_another_format_is_refused() -> None:
    values = json.loads(fruit_clusters().to_json()) | {"format": 9}
    with pytest.raises(InvalidValueError, match="format is 9"):
        ClusterResult.from_json(json.dumps(values))
