"""Graphs on the disk of a machine: built once there, not again by each worker and each run."""

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

# Of old versions and other networks; a graph of MobileNetV2 has 9 MB.
_MOST = 8
_DIGEST_BYTES = hashlib.sha256().digest_size


def kept_graph(key: str, build: Callable[[], bytes]) -> bytes:
    """What `build` gives, or gave before for the same `key` (letters and digits) on this machine.

    Of processes that ask at the same time one builds, and the others wait for it. Where there is
    no folder of ours alone, or no room, nothing is kept. Raises what `build` raises.
    """
    lock = _lock()
    if lock is None:
        return build()
    with lock:
        file = Path(lock.name).with_name(f"{key}.graph")
        graph = _read(file)
        if graph is None:
            graph = build()
            # A full disk costs the next one the time to build it.
            with suppress(OSError):
                _write(file, graph)
        return graph


def _lock() -> TextIO | None:
    """A locked file in a folder of ours alone; None where there can be none. Closing unlocks it."""
    try:
        lock = (_folder() / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:
        return None
    return lock


def _folder() -> Path:
    """Below the machine's temporary folder; OSError if it cannot be, or others may write to it."""
    folder = Path(tempfile.gettempdir()) / f"image-features-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not ours or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(folder)
    return folder


def _read(file: Path) -> bytes | None:
    """The graph in `file`; None if there is none, or not all of it."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, graph = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return graph if digest == hashlib.sha256(graph).digest() else None


def _write(file: Path, graph: bytes) -> None:
    unfinished = file.with_suffix(f".{os.getpid()}")
    try:
        unfinished.write_bytes(hashlib.sha256(graph).digest() + graph)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    by_age = sorted(file.parent.glob("*.graph"), key=lambda each: each.stat().st_mtime)
    for old in by_age[:-_MOST]:
        old.unlink(missing_ok=True)
