"""result.json preserves a result; other files are rejected."""

from __future__ import annotations

import json

import pytest

from job.analysis.classification.result import ClassifierResult
from tests.unit.analysis.classification.examples import fruit_result, pca_result


@pytest.mark.parametrize("result", [fruit_result(), pca_result()])
def test_a_result_is_read_as_it_was_written(result: ClassifierResult) -> None:
    assert ClassifierResult.from_json(result.to_json()) == result


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[]",
        '{"format": 0}',
        '{"format": 1}',
        json.dumps({**json.loads(fruit_result().to_json()), "split": {"seed": 0}}),
    ],
)
def test_another_file_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ClassifierResult.from_json(text)
