"""result.json preserves all measures; other files are rejected."""

from __future__ import annotations

import json

import pytest

from job.analysis.clustering.result import ClusterResult
from job.errors import InvalidValueError
from tests.unit.analysis.clustering.cluster_examples import fruit_clusters


def test_a_result_is_read_as_it_was_written() -> None:
    assert ClusterResult.from_json(fruit_clusters().to_json()) == fruit_clusters()


def test_rows_are_objects() -> None:
    values = json.loads(fruit_clusters().to_json())
    assert values["contingency"][0] == {"label": "Apple", "cluster": 0, "images": 900}
    assert values["labels"][0]["share"] == 0.9


def test_the_summary_line() -> None:
    assert fruit_clusters().summary_line() == (
        "cluster: 2 clusters of 1,230 images; silhouette 0.412; agreement with the labels: "
        "adjusted Rand index 0.700, normalized mutual information –"
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', "null"])
def test_another_file_is_rejected(text: str) -> None:
    with pytest.raises(InvalidValueError, match="run `image-features cluster`"):
        ClusterResult.from_json(text)


def test_another_format_is_rejected() -> None:
    values = json.loads(fruit_clusters().to_json()) | {"format": 9}
    with pytest.raises(InvalidValueError, match="format is 9"):
        ClusterResult.from_json(json.dumps(values))
