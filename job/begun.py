"""A step that is begun in a thread before its result is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def begun(step: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Do `step` beside the block, which is given what waits for its end.

    That raises what the step has raised, and does it itself when it is asked again. The block does
    not end before the thread has.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="begun") as thread:
        tried: Future[None] | None = thread.submit(step)
        done = False

        def wait() -> None:
            nonlocal tried, done
            first, tried = tried, None
            if first is not None:
                first.result()
            elif not done:
                step()
            done = True

        yield wait
