"""Runs work in a background thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def run_in_background(step: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Run `step` in a thread during the block; yields a function that waits for its result.

    The function raises the step's exception. The block ends when the thread has ended.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="background") as thread:
        yield thread.submit(copy_context().run, step).result


class SerialExecutor:
    """Runs steps in one thread, one after the other.

    `submit` and the end of the block wait for the previous step and raise its exception.
    `initializer` runs first in the thread. A block that fails calls `cancel`, which should end
    the running step early.
    """

    def __init__(self, initializer: Callable[[], None], cancel: Callable[[], None]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="serial", initializer=initializer)
        self._cancel = cancel
        self._latest: Future[None] | None = None

    def submit(self, step: Callable[[], None]) -> None:
        """Start `step` after the previous step has ended."""
        self._wait()
        self._latest = self._thread.submit(copy_context().run, step)

    def __enter__(self) -> SerialExecutor:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._wait()
            else:
                self._cancel()
        finally:
            self._thread.shutdown()

    def _wait(self) -> None:
        if self._latest is not None:
            self._latest.result()
