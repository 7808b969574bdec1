"""A day without new images: the driver does not grow with them."""

from __future__ import annotations

import pytest

from tests.benchmarks.listing import day

pytestmark = pytest.mark.slow

OBJECTS = 1_000_000


def test_the_driver_needs_no_more_for_ten_times_the_images() -> None:
    few, many = day(OBJECTS // 10), day(OBJECTS)
    print(few, many, sep="\n")
    assert many.counts == {
        "listed": OBJECTS,
        "reused": OBJECTS,
        "featurized": 0,
        "quarantined": 0,
        "dropped": OBJECTS // 1000,
    }
    assert many.heap_mib <= 1.10 * few.heap_mib
    assert many.python_mib <= 1.10 * few.python_mib
