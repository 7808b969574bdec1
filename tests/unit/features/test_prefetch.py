"""The thread that decodes ahead of the network, and the messages that leave the worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pyarrow as pa
import pytest

from job.features import worker
from job.features.worker import ahead, joined


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


def batches(*rows: int) -> Iterator[pa.RecordBatch]:
    first = 0
    for count in rows:
        yield pa.record_batch({"n": list(range(first, first + count))})
        first += count


def test_small_batches_leave_as_few_messages_with_all_rows_in_order() -> None:
    messages = list(joined(batches(*[8] * 20, 3)))
    assert [message.num_rows for message in messages] == [64, 64, 35]
    assert [n for message in messages for n in message["n"].to_pylist()] == list(range(163))


def test_without_rows_there_is_no_message() -> None:
    assert list(joined(batches())) == []


def test_rows_of_a_slow_worker_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_SECONDS_PER_MESSAGE", 0.0)
    assert [message.num_rows for message in joined(batches(8, 8))] == [8, 8]
