"""The thread that decodes before the network needs images, and the messages of the worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pyarrow as pa
import pytest

from job.features import worker
from job.features.worker import coalesce_batches, prefetch


def test_items_come_in_order() -> None:
    assert list(prefetch(range(100), depth=3)) == list(range(100))


def test_an_error_of_the_thread_is_raised_by_the_iterator() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    items = prefetch(broken(), depth=2)
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_at_most_depth_items_are_queued() -> None:
    produced = []

    def counted() -> Iterator[int]:
        for number in range(100):
            produced.append(number)
            yield number

    items = prefetch(counted(), depth=2)
    next(items)
    time.sleep(0.3)
    # One was taken, two are queued, the thread holds one.
    assert len(produced) == 4
    items.close()


def test_closing_ends_the_thread() -> None:
    before = threading.active_count()
    items = prefetch(iter(int, 1), depth=2)
    next(items)
    items.close()
    assert threading.active_count() == before


def batches(*rows: int) -> Iterator[pa.RecordBatch]:
    first = 0
    for count in rows:
        yield pa.record_batch({"n": list(range(first, first + count))})
        first += count


def test_small_batches_become_few_messages_with_all_rows_in_order() -> None:
    messages = list(coalesce_batches(batches(*[8] * 20, 3)))
    assert [message.num_rows for message in messages] == [64, 64, 35]
    assert [n for message in messages for n in message["n"].to_pylist()] == list(range(163))


def test_no_rows_give_no_message() -> None:
    assert list(coalesce_batches(batches())) == []


def test_rows_of_a_slow_worker_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_SECONDS_PER_MESSAGE", 0.0)
    assert [message.num_rows for message in coalesce_batches(batches(8, 8))] == [8, 8]
