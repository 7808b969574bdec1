"""Caches converted models on the local disk: a weights file is converted once per machine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

# Includes old versions and other networks; MobileNetV2 has 9 MB.
_MAX_FILES = 8
_DIGEST_BYTES = hashlib.sha256().digest_size


def cached(key: str, build: Callable[[], bytes]) -> bytes:
    """The content of `key` (letters and digits) in the cache of this machine, else of `build`.

    One of several concurrent processes builds, the others wait. Caches nothing without a private
    folder or without disk space. Raises the errors of `build`.
    """
    lock = _lock()
    if lock is None:
        return build()
    with lock:
        file = Path(lock.name).with_name(f"{key}.model")
        content = _read(file)
        if content is None:
            content = build()
            # On a full disk, the next process builds it again.
            with suppress(OSError):
                _write(file, content)
        return content


def _lock() -> TextIO | None:
    """A locked file in a private folder; None without one. Closing the file unlocks it."""
    try:
        lock = (_folder() / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:
        return None
    return lock


def _folder() -> Path:
    """A folder in the temporary folder; OSError if it cannot exist, or others may access it."""
    folder = Path(tempfile.gettempdir()) / f"image-features-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    is_own_folder = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    if not is_own_folder or stat.S_IMODE(status.st_mode) & 0o077:
        raise PermissionError(folder)
    return folder


def _read(file: Path) -> bytes | None:
    """The content of `file`; None if the file is missing or incomplete."""
    try:
        stored = file.read_bytes()
    except OSError:
        return None
    digest, content = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
    return content if digest == hashlib.sha256(content).digest() else None


def _write(file: Path, content: bytes) -> None:
    unfinished = file.with_suffix(f".{os.getpid()}")
    try:
        unfinished.write_bytes(hashlib.sha256(content).digest() + content)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    by_age = sorted(file.parent.glob("*.model"), key=lambda path: path.stat().st_mtime)
    for old in by_age[:-_MAX_FILES]:
        old.unlink(missing_ok=True)
