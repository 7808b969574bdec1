"""The thread that decodes ahead of the network."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from job.worker import ahead


def test_items_come_in_order() -> None:
    assert list(ahead(range(100), depth=3)) == list(range(100))


def test_what_the_thread_raises_is_raised_here() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    items = ahead(broken(), depth=2)
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_no_more_than_depth_items_wait() -> None:
    made = []

    def counted() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    items = ahead(counted(), depth=2)
    next(items)
    time.sleep(0.3)
    # One was taken, two wait, one is in the thread's hand.
    assert len(made) == 4
    items.close()


def test_closing_ends_the_thread() -> None:
    before = threading.active_count()
    items = ahead(iter(int, 1), depth=2)
    next(items)
    items.close()
    assert threading.active_count() == before
