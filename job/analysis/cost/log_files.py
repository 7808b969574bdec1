"""The files of one application's event log, in order, as Spark names them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from job.analysis.cost.event_log_codecs import lines
from job.analysis.cost.storage import Storage
from job.errors import InvalidValueError

_IN_PROGRESS = ".inprogress"
_ROLLED = re.compile(r"events_(\d+)_")


@dataclass(frozen=True)
class LogFiles:
    """`in_progress` says that Spark still writes, or was cut off."""

    storage: Storage
    paths: tuple[str, ...]
    in_progress: bool

    def lines(self) -> Iterator[bytes]:
        """Each event as a line; one file at a time is in memory."""
        for path in self.paths:
            yield from lines(path, self.storage.read(path), in_progress=self.in_progress)


def log_files(storage: Storage, path: str) -> LogFiles:
    """The log at `path`: a file, or the eventlog_v2_ folder of rolled files.

    Raises what Storage raises, and InvalidValueError for a folder of another kind.
    """
    found = [each.path for each in storage.below(path)]
    chosen = tuple(found) if len(found) == 1 else _rolled(found)
    if not chosen:
        raise InvalidValueError(
            f"{path} holds {len(found)} files, and none of a rolled event log",
            expected="the log of one application",
            fix="name its file or its eventlog_v2_ folder",
        )
    # Of rolled files an empty one beside them says it.
    return LogFiles(storage, chosen, any(each.endswith(_IN_PROGRESS) for each in found))


def _rolled(paths: Sequence[str]) -> tuple[str, ...]:
    """Rolled files by number; a compacted one stands for all before it."""
    by_number: dict[int, str] = {}
    for path in sorted(paths):
        if number := _ROLLED.match(_name(path)):
            # `.compact` sorts behind the file that it stands for.
            by_number[int(number[1])] = path
    compacted = [number for number, path in by_number.items() if path.endswith(".compact")]
    first = max(compacted, default=0)
    return tuple(path for number, path in sorted(by_number.items()) if number >= first)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
