"""Files on the local disk, as listing and fetch see them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from job.errors import InvalidValueError
from job.images.storage import (
    ForbiddenError,
    ObjectBytes,
    PassingError,
    StoredObject,
    VanishedError,
)

_SCHEME = "file://"


def subfolders(folder: str) -> list[str]:
    """The folders right in `folder`, sorted; links to folders are not followed."""
    with os.scandir(folder) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))


def files_below(folder: str, *, recursive: bool) -> Iterator[StoredObject]:
    """All files in `folder`, links to files included; what vanishes meanwhile is not listed."""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting += [entry.path] if recursive else []
                elif entry.is_file():
                    yield stored_file(entry.path, entry.stat())


def stored_file(path: str, stat: os.stat_result) -> StoredObject:
    """`path` as an object: the ETag is made of time and length, which is what a disk can tell.

    Raises InvalidValueError for a name that is not UTF-8: no table can hold it.
    """
    milliseconds = stat.st_mtime_ns // 1_000_000
    return StoredObject(
        _SCHEME + _utf8(path),
        stat.st_size,
        f"{milliseconds:x}-{stat.st_size:x}",
        datetime.fromtimestamp(milliseconds // 1000, UTC).replace(
            microsecond=milliseconds % 1000 * 1000
        ),
    )


def read_file(path: str, largest: int) -> ObjectBytes:
    """The file and its bytes, without them if longer than `largest`.

    Raises VanishedError, ForbiddenError, and PassingError for what a network disk may get over.
    """
    try:
        with Path(path).open("rb") as file:
            version = stored_file(path, os.fstat(file.fileno()))
            return ObjectBytes(version, file.read() if version.length <= largest else None)
    except FileNotFoundError as error:
        raise VanishedError(f"no such file: {path}") from error
    except PermissionError as error:
        raise ForbiddenError(f"permission denied: {path}") from error
    except OSError as error:
        raise PassingError(str(error)) from error


def _utf8(path: str) -> str:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidValueError(
            f"the name of the file {path!a} is not UTF-8",
            expected="names in UTF-8",
            fix="rename the file",
        ) from error
    return path
