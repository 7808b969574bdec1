"""Lists and reads local files as objects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from job.errors import InvalidValueError
from job.images.storage import (
    ForbiddenError,
    ObjectBytes,
    ObjectNotFoundError,
    StoredObject,
    TransientError,
)

_SCHEME = "file://"


def subfolders(folder: str) -> list[str]:
    """The direct subfolders of `folder`, sorted; links to folders are left out."""
    with os.scandir(folder) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))


def files_below(folder: str, *, recursive: bool) -> Iterator[StoredObject]:
    """All files in `folder`, including links to files; files deleted during the call are omitted.

    With `recursive`, the files of all subfolders too.
    """
    pending = [folder]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending += [entry.path] if recursive else []
                elif entry.is_file():
                    yield stored_file(entry.path, entry.stat())


def stored_file(path: str, stat: os.stat_result) -> StoredObject:
    """`path` as an object; its ETag combines modification time and length.

    Raises InvalidValueError for a name that is not UTF-8: no table can hold it.
    """
    milliseconds = stat.st_mtime_ns // 1_000_000
    return StoredObject(
        _SCHEME + _require_utf8(path),
        stat.st_size,
        f"{milliseconds:x}-{stat.st_size:x}",
        datetime.fromtimestamp(milliseconds // 1000, UTC).replace(
            microsecond=milliseconds % 1000 * 1000
        ),
    )


def read_file(path: str, max_bytes: int) -> ObjectBytes:
    """The file and its bytes; no bytes if it is longer than `max_bytes`.

    Raises ObjectNotFoundError, ForbiddenError, and TransientError for any other OSError: a network
    disk may recover.
    """
    try:
        with Path(path).open("rb") as file:
            version = stored_file(path, os.fstat(file.fileno()))
            return ObjectBytes(version, file.read() if version.length <= max_bytes else None)
    except FileNotFoundError as error:
        raise ObjectNotFoundError(f"no such file: {path}") from error
    except PermissionError as error:
        raise ForbiddenError(f"permission denied: {path}") from error
    except OSError as error:
        raise TransientError(str(error)) from error


def _require_utf8(path: str) -> str:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidValueError(
            f"the name of the file {path!a} is not UTF-8",
            expected="names in UTF-8",
            fix="rename the file",
        ) from error
    return path
