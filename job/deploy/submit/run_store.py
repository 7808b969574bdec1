"""The common interface to runs in a namespace and to job runs of a virtual cluster of EMR."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from job.deploy.submit.spark_application import RunStatus

Notify = Callable[[str], None]


class RunStore(Protocol):
    """The runs in one place, by name.

    `location` names the place in messages. `options` are the command-line options that select it.
    `stop_command` is the subcommand that ends a run there. Each method raises AccessDeniedError if
    it is not allowed, TransportError if there is no answer, InvalidValueError if it is rejected.
    """

    stop_command: str

    @property
    def location(self) -> str: ...

    @property
    def options(self) -> str: ...

    def status(self, name: str) -> RunStatus:
        """The status of a run. Raises NoSuchObjectError if there is no run of this name."""

    def list_runs(self) -> list[RunStatus]:
        """All runs."""

    def read_log(
        self,
        run: RunStatus,
        notify: Notify,
        *,
        tail: int | None = None,
        follow: bool = False,
        executor: int | None = None,
    ) -> Iterator[str]:
        """Lines of the driver's log, or of an executor's.

        With `follow`, wait for the log to exist, and yield new lines until the pod ends.
        """
