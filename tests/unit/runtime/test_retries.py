"""Which failures of the storage are retried, for how long, and where."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from pyspark.errors import PySparkException

from job.errors import InvalidValueError, TransportError
from job.runtime.retries import StorageRetries, cancel_retries, retried, storage_retries

PATH = "s3a://bucket"


def answers(*texts: str) -> Callable[[], str]:
    """A storage that gives these answers in turn, and raises those that are failures."""
    left = list(texts)

    @retried
    def ask() -> str:
        answer = left.pop(0)
        if answer.startswith("Status Code"):
            raise PySparkException(answer)
        return answer

    return ask


def test_a_passing_failure_is_retried() -> None:
    ask = answers("Status Code: 503", "Status Code: 503", "done")
    with storage_retries(StorageRetries(PATH, seconds=60)):
        assert ask() == "done"


def test_nothing_is_retried_before_a_run_is_admitted() -> None:
    with pytest.raises(PySparkException):
        answers("Status Code: 503", "done")()


def test_a_step_that_worked_for_longer_than_the_limit_is_still_retried() -> None:
    left = ["Status Code: 503", "done"]

    @retried
    def slow_step() -> str:
        answer = left.pop(0)
        if answer != "done":
            time.sleep(0.6)
            raise PySparkException(answer)
        return answer

    with storage_retries(StorageRetries(PATH, seconds=0.5)):
        assert slow_step() == "done"


def test_retries_end_when_failures_last() -> None:
    @retried
    def step() -> None:
        raise PySparkException("Status Code: 503")

    with pytest.raises(TransportError), storage_retries(StorageRetries(PATH, seconds=0.5)):
        step()


def test_retries_end_when_another_thread_cancels_them() -> None:
    started = time.monotonic()

    @retried
    def step() -> None:
        threading.Timer(0.2, policy.cancelled.set).start()
        raise PySparkException("Status Code: 503")

    policy = StorageRetries(PATH)
    with pytest.raises(TransportError), storage_retries(policy):
        step()
    assert time.monotonic() < started + 10


def test_cancelling_reaches_the_policy_of_the_block() -> None:
    policy = StorageRetries(PATH)
    with storage_retries(policy):
        cancel_retries()
    assert policy.cancelled.is_set()


def test_a_call_inside_a_retried_call_fails_at_once() -> None:
    calls = {"outer": 0, "inner": 0}

    @retried
    def inner() -> None:
        calls["inner"] += 1
        if calls["inner"] == 1:
            raise PySparkException("Status Code: 503")

    @retried
    def outer() -> None:
        calls["outer"] += 1
        inner()

    with storage_retries(StorageRetries(PATH)):
        outer()
    assert calls == {"outer": 2, "inner": 2}


def test_other_errors_are_not_retried() -> None:
    calls = []

    @retried
    def step() -> None:
        calls.append(1)
        raise InvalidValueError("wrong")

    with pytest.raises(InvalidValueError), storage_retries(StorageRetries(PATH)):
        step()
    assert len(calls) == 1
