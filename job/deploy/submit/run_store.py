"""Where runs are: what a namespace of a cluster and a virtual cluster of EMR have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from job.deploy.submit.spark_application import Observed

Say = Callable[[str], None]


class Runs(Protocol):
    """Runs of one place, by name.

    `described` is the place for a person, `options` are those of a command that is to find it
    again, `stopping` is the command that ends a run there. Each method raises AccessDeniedError for
    what is not allowed, TransportError where nobody answers, InvalidValueError for what is refused.
    """

    stopping: str

    @property
    def described(self) -> str: ...

    @property
    def options(self) -> str: ...

    def observe(self, name: str) -> Observed:
        """The run as it is now. Raises NoSuchObjectError where there is none of this name."""

    def all(self) -> list[Observed]:
        """The runs there are."""

    def log(
        self,
        run: Observed,
        say: Say,
        *,
        tail: int | None = None,
        follow: bool = False,
        executor: int | None = None,
    ) -> Iterator[str]:
        """Lines of the driver's log, or of an executor's.

        With `follow`, a log that is not there yet is waited for, and lines to come are given too.
        """
