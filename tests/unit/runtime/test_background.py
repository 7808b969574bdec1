"""Work in a background thread, and its exceptions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from job.runtime.background import SerialExecutor, run_in_background


def nothing() -> None:
    """An initializer or a cancel function that does nothing."""


def fail() -> None:
    raise OSError("no answer")


def run_serially(*steps: Callable[[], None], cancel: Callable[[], None] = nothing) -> None:
    with SerialExecutor(nothing, cancel) as executor:
        for step in steps:
            executor.submit(step)


def test_the_step_runs_during_the_block() -> None:
    started = threading.Event()
    with run_in_background(started.set):
        assert started.wait(10)


def test_waiting_ends_with_the_step() -> None:
    may_end, ended = threading.Event(), threading.Event()

    def step() -> None:
        may_end.wait()
        ended.set()

    with run_in_background(step) as wait:
        assert not ended.is_set()
        may_end.set()
        wait()
        assert ended.is_set()


def test_waiting_raises_the_exception_of_the_step() -> None:
    with run_in_background(fail) as wait, pytest.raises(OSError, match="no answer"):
        wait()


def test_the_exception_of_the_block_wins_over_that_of_the_step() -> None:
    with pytest.raises(ValueError, match="the block's"), run_in_background(fail):
        raise ValueError("the block's")


def test_a_block_waits_for_its_submitted_step() -> None:
    may_end, done = threading.Event(), []

    def step() -> None:
        may_end.wait()
        done.append("step")

    with SerialExecutor(lambda: done.append("first"), nothing) as executor:
        executor.submit(step)
        assert done in ([], ["first"])
        may_end.set()
    assert done == ["first", "step"]


def test_steps_run_one_after_the_other() -> None:
    done: list[int] = []
    run_serially(*(partial(done.append, number) for number in range(3)))
    assert done == [0, 1, 2]


@pytest.mark.parametrize("more", [0, 1], ids=["end", "next"])
def test_the_next_submit_or_the_end_raises_the_exception_of_a_step(more: int) -> None:
    with pytest.raises(OSError, match="no answer"):
        run_serially(fail, *[nothing] * more)


def test_a_block_that_fails_waits_for_the_running_step() -> None:
    done = threading.Event()

    def slow() -> None:
        time.sleep(0.2)
        done.set()

    def block() -> None:
        with SerialExecutor(nothing, nothing) as executor:
            executor.submit(slow)
            raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        block()
    assert done.is_set()


def test_a_block_that_fails_cancels_the_running_step() -> None:
    cancelled = threading.Event()
    waited: list[bool] = []

    def block() -> None:
        with SerialExecutor(nothing, cancelled.set) as executor:
            executor.submit(lambda: waited.append(cancelled.wait(10)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        block()
    assert waited == [True]
