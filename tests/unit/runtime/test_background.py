"""Steps that are done in a thread: who waits for one gets what it raises."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from job.runtime.background import begun, one_behind


def test_the_step_goes_on_beside_the_block() -> None:
    there = threading.Event()
    with begun(there.set):
        assert there.wait(10)


def test_who_waits_waits_for_its_end() -> None:
    may_end, ended = threading.Event(), threading.Event()

    def step() -> None:
        may_end.wait()
        ended.set()

    with begun(step) as wait:
        assert not ended.is_set()
        may_end.set()
        wait()
        assert ended.is_set()


def test_a_step_that_failed_is_done_again_when_it_is_asked_for_again() -> None:
    said = [OSError("no answer"), OSError("still none"), None, OSError("once too often")]

    def step() -> None:
        answer = said.pop(0)
        if answer is not None:
            raise answer

    with begun(step) as wait:
        for words in ("no answer", "still none"):
            with pytest.raises(OSError, match=words):
                wait()
        wait()
        wait()


def test_the_blocks_own_error_is_the_one_that_is_told() -> None:
    def step() -> None:
        raise OSError("no answer")

    with pytest.raises(ValueError, match="the block's"), begun(step):
        raise ValueError("the block's")


def test_a_step_handed_over_goes_on_beside_the_block_which_waits_at_its_end() -> None:
    may_end, done = threading.Event(), []

    def step() -> None:
        may_end.wait()
        done.append("step")

    with one_behind(lambda: done.append("first"), threading.Event()) as hand_over:
        hand_over(step)
        assert done in ([], ["first"])
        may_end.set()
    assert done == ["first", "step"]


def test_steps_are_done_one_after_the_other() -> None:
    done: list[int] = []

    with one_behind(lambda: None, threading.Event()) as hand_over:
        for number in range(3):
            hand_over(partial(done.append, number))
            assert number < 1 or done[:number] == list(range(number))
    assert done == [0, 1, 2]


@pytest.mark.parametrize("more", [0, 1], ids=["end", "next"])
def test_what_a_step_raises_is_raised_by_the_next_or_at_the_end(more: int) -> None:
    def fail() -> None:
        raise OSError("no answer")

    def steps() -> None:
        with one_behind(lambda: None, threading.Event()) as hand_over:
            for step in [fail, *[lambda: None] * more]:
                hand_over(step)

    with pytest.raises(OSError, match="no answer"):
        steps()


def test_a_block_that_fails_waits_for_the_step_that_goes_on() -> None:
    done = threading.Event()

    def slow() -> None:
        time.sleep(0.2)
        done.set()

    def steps() -> None:
        with one_behind(lambda: None, threading.Event()) as hand_over:
            hand_over(slow)
            raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        steps()
    assert done.is_set()


def test_a_step_that_waits_is_told_that_the_block_has_failed() -> None:
    given_up = threading.Event()

    def steps() -> None:
        with one_behind(lambda: None, given_up) as hand_over:
            hand_over(lambda: waited.append(given_up.wait(10)))
            raise KeyboardInterrupt

    waited: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        steps()
    assert waited == [True]
