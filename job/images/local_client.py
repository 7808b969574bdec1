"""Lists and reads local files as objects."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from job.errors import AccessDeniedError, InvalidValueError, TransportError
from job.images.storage import (
    ForbiddenError,
    ObjectBytes,
    ObjectNotFoundError,
    StoredObject,
    TransientError,
)

_SCHEME = "file://"


def subfolders(folder: str) -> list[str]:
    """The direct subfolders of `folder`, sorted; links to folders are left out.

    Raises AccessDeniedError or TransportError if it cannot be read.
    """
    with _readable(folder), os.scandir(folder) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    return []


def files_below(folder: str, *, recursive: bool) -> Iterator[StoredObject]:
    """All files in `folder`, including links to files; files deleted during the call are omitted.

    With `recursive`, the files of all subfolders too. Raises AccessDeniedError or
    TransportError for what cannot be read: files that are not listed would count as deleted.
    """
    pending = [folder]
    while pending:
        path = pending.pop()
        with _readable(path), os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending += [entry.path] if recursive else []
                else:
                    yield from file_at(entry.path)


def file_at(path: str) -> Iterator[StoredObject]:
    """The file at `path`, also behind a link; nothing for anything else, or if it is gone.

    Raises AccessDeniedError, TransportError and the errors of `stored_file`.
    """
    with _readable(path):
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):
            yield stored_file(path, status)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """End the block if `path` is gone; raise AccessDeniedError or TransportError for the rest."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError as error:
        raise AccessDeniedError(
            f"{path} cannot be read",
            expected="read permission for everything under the input",
            fix="change its mode or owner, or choose an --input without it",
        ) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            # A link to itself is no file.
            return
        raise TransportError(
            f"{path} cannot be listed: {error.strerror}",
            expected="a disk that answers",
            fix="check the disk, then run the same command again",
        ) from error


def stored_file(path: str, status: os.stat_result) -> StoredObject:
    """`path` as an object; its ETag combines modification time and length.

    Raises InvalidValueError for a name that is not UTF-8: no table can hold it.
    """
    milliseconds = status.st_mtime_ns // 1_000_000
    return StoredObject(
        _SCHEME + _require_utf8(path),
        status.st_size,
        f"{milliseconds:x}-{status.st_size:x}",
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
