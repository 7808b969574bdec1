"""result.json tells all that was known, and nothing else passes for one."""

from __future__ import annotations

import json

import pytest

from job.analysis.classification.result import Result
from tests.unit.analysis.classification.examples import fruit_result, on_components


@pytest.mark.parametrize("result", [fruit_result(), on_components()])
def test_a_result_is_read_as_it_was_written(result: Result) -> None:
    assert Result.from_json(result.to_json()) == result


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
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Result.from_json(text)
