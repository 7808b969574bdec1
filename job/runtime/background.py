"""Steps that are done in a thread, beside what comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event


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


@contextmanager
def one_behind(
    first: Callable[[], None], given_up: Event
) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Do each step that the block hands over in a thread, beside what the block does after it.

    The thread begins with `first`. Steps are done one after the other: handing one over waits for
    the one before it, and raises what that has raised; so does the end of the block. A block that
    fails sets `given_up`, by which a step that waits for something may end sooner.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="behind", initializer=first) as thread:
        latest: Future[None] | None = None

        def hand_over(step: Callable[[], None]) -> None:
            nonlocal latest
            if latest is not None:
                latest.result()
            latest = thread.submit(step)

        try:
            yield hand_over
            if latest is not None:
                latest.result()
        except BaseException:
            given_up.set()
            raise
