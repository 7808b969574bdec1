"""Retries requests to storage that fail for a transient reason.

Functions that read or write storage are marked with `retried`. They retry inside a block of
`storage_retries`, which a run opens when it has been admitted. Before that, a wrong path and wrong
credentials fail at once.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_exponential,
)
from tenacity.stop import stop_base

from job.errors import AccessDeniedError, TransportError
from job.runtime.spark_errors import STORAGE_EXCEPTIONS, as_job_error

P = ParamSpec("P")
T = TypeVar("T")

# A minute of failures is common (throttling, renewal of credentials); five are an outage.
WAIT_SECONDS = 300.0


@dataclass(frozen=True)
class StorageRetries:
    """For how long failures of the storage at `path` are retried; `cancelled` ends the wait."""

    path: str
    seconds: float = field(default_factory=lambda: WAIT_SECONDS)
    cancelled: threading.Event = field(default_factory=threading.Event)


_active: ContextVar[StorageRetries | None] = ContextVar("storage_retries", default=None)


@contextmanager
def storage_retries(policy: StorageRetries) -> Iterator[None]:
    """Retry the calls of `retried` functions in this block."""
    token = _active.set(policy)
    try:
        yield
    finally:
        _active.reset(token)


def cancel_retries() -> None:
    """End all waits of the active policy, also in other threads."""
    policy = _active.get()
    if policy is not None:
        policy.cancelled.set()


def retried(function: Callable[P, T]) -> Callable[P, T]:
    """Mark a function that reads or writes storage, and that may be called twice.

    Only the outermost marked call is retried, as a whole.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        policy = _active.get()
        if policy is None:
            return function(*args, **kwargs)
        token = _active.set(None)
        try:
            return retry(lambda: function(*args, **kwargs), policy)
        finally:
            _active.reset(token)

    return call


def retry(step: Callable[[], T], policy: StorageRetries) -> T:
    """Call `step` again, with growing pauses, while the storage fails for a transient reason.

    Denied access counts as transient: the run was admitted when it started, and a HEAD request
    answered with 403 does not say whether only its token has expired. A conflict of two commits
    is transient too. Raises the JobError when failures last for `policy.seconds`, or the policy
    is cancelled.
    """

    def attempt() -> T:
        try:
            return step()
        except STORAGE_EXCEPTIONS as error:
            raise as_job_error(error, policy.path) or error from error

    retrying = Retrying(
        retry=retry_if_exception_type((TransportError, AccessDeniedError)),
        wait=wait_exponential(multiplier=1, min=1, max=20),
        stop=_StopAfterFailing(policy.seconds) | stop_when_event_set(policy.cancelled),
        sleep=sleep_using_event(policy.cancelled),
        before_sleep=_print_wait,
        reraise=True,
    )
    return retrying(attempt)


class _StopAfterFailing(stop_base):
    """Stop `seconds` after the first failure; the time that a step worked before does not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._first_failure: float | None = None

    def __call__(self, state: RetryCallState) -> bool:
        now = time.monotonic()
        self._first_failure = self._first_failure or now
        return now - self._first_failure >= self._seconds


def _print_wait(state: RetryCallState) -> None:
    assert state.outcome is not None
    assert state.next_action is not None
    error = state.outcome.exception()
    print(
        f"waiting {state.next_action.sleep:.0f} s, then again: {error}", file=sys.stderr, flush=True
    )
