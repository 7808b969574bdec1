"""Retries of failed requests to storage: which failures, for how long, in which calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from pyspark.errors import PySparkException

from job.errors import InvalidValueError, TransportError
from job.runtime.retries import StorageRetries, cancel_retries, retried, storage_retries

PATH = "s3a://bucket"


def responses(*texts: str) -> Callable[[], str]:
    """A request to storage that returns these responses in turn, or raises them if they failed."""
    remaining = list(texts)

    @retried
    def request() -> str:
        response = remaining.pop(0)
        if response.startswith("Status Code"):
            raise PySparkException(response)
        return response

    return request


def test_a_transient_failure_is_retried() -> None:
    request = responses("Status Code: 503", "Status Code: 503", "done")
    with storage_retries(StorageRetries(PATH, seconds=60)):
        assert request() == "done"


def test_nothing_is_retried_outside_of_a_block() -> None:
    with pytest.raises(PySparkException):
        responses("Status Code: 503", "done")()


def test_a_slow_step_is_retried_even_if_it_took_longer_than_the_limit() -> None:
    remaining = ["Status Code: 503", "done"]

    @retried
    def slow_step() -> str:
        response = remaining.pop(0)
        if response != "done":
            time.sleep(0.6)
            raise PySparkException(response)
        return response

    with storage_retries(StorageRetries(PATH, seconds=0.5)):
        assert slow_step() == "done"


def test_retries_end_after_the_limit() -> None:
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


def test_cancel_retries_cancels_the_policy_of_the_block() -> None:
    policy = StorageRetries(PATH)
    with storage_retries(policy):
        cancel_retries()
    assert policy.cancelled.is_set()


def test_only_the_outermost_call_is_retried() -> None:
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
