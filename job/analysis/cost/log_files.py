"""Finds the files of one application's event log, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from job.analysis.cost.event_log_codecs import read_lines
from job.analysis.cost.storage import Storage
from job.errors import InvalidValueError

_IN_PROGRESS = ".inprogress"
_ROLLED = re.compile(r"events_(\d+)_")


@dataclass(frozen=True)
class LogFiles:
    """The files of a log; `in_progress` if Spark still writes it or crashed."""

    storage: Storage
    paths: tuple[str, ...]
    in_progress: bool

    def lines(self) -> Iterator[bytes]:
        """The events, one per line; holds one file at a time in memory."""
        for path in self.paths:
            yield from read_lines(path, self.storage.read(path), in_progress=self.in_progress)


def find_log_files(storage: Storage, path: str) -> LogFiles:
    """The log at `path`: a file, or the eventlog_v2_ folder of rolled files.

    Raises the errors of Storage, and InvalidValueError for another folder.
    """
    paths = [entry.path for entry in storage.list_objects(path)]
    log_paths = tuple(paths) if len(paths) == 1 else _order_rolled_files(paths)
    if not log_paths:
        raise InvalidValueError(
            f"{path} has {len(paths)} files, and none of them is a rolled event log",
            expected="the log of one application",
            fix="pass its file or its eventlog_v2_ folder",
        )
    # Next to rolled files, Spark writes an empty marker file while the log is in progress.
    return LogFiles(storage, log_paths, any(name.endswith(_IN_PROGRESS) for name in paths))


def _order_rolled_files(paths: Sequence[str]) -> tuple[str, ...]:
    """Rolled files by number; a compacted file replaces all earlier ones."""
    by_number: dict[int, str] = {}
    for path in sorted(paths):
        if match := _ROLLED.match(_name(path)):
            # `.compact` sorts after the file that it replaces.
            by_number[int(match[1])] = path
    compacted = [number for number, path in by_number.items() if path.endswith(".compact")]
    first = max(compacted, default=0)
    return tuple(path for number, path in sorted(by_number.items()) if number >= first)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
