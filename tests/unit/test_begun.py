"""A step that is begun in a thread: who waits for it gets what it raises, and may ask again."""

from __future__ import annotations

import threading

import pytest

from job.begun import begun


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
