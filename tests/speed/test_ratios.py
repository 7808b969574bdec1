"""No factor of the job's speed is lost: ratios within one run, with margins for noisy machines.

`python -m tests.benchmarks.ratios --slowed reload`, twice or sequential show what a mistake does.
"""

from __future__ import annotations

import pytest

from tests.benchmarks.ratios import Ratios, ratios

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found() -> Ratios:
    """One run, for all that is asked of it."""
    measured = ratios()
    print(measured)
    return measured


def test_each_image_costs_one_request(found: Ratios) -> None:
    assert found.requests == 1


def test_each_image_goes_through_the_network_once(found: Ratios) -> None:
    assert found.forwards == 1


def test_each_worker_builds_one_network(found: Ratios) -> None:
    assert found.builds == 1


def test_late_answers_are_hidden_behind_the_network(found: Ratios) -> None:
    # One request at a time gives 0.1: 112 ms an image, two workers, of 160 images/s.
    assert found.rate > 0.25
