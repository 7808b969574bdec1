"""Graphs on the disk of a machine: built once there, not again by each worker and each run."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Of old versions and other networks; a graph of MobileNetV2 has 9 MB.
_MOST = 8
_DIGEST_BYTES = hashlib.sha256().digest_size


def kept_graph(key: str, build: Callable[[], bytes]) -> bytes:
    """What `build` gives, or gave before for the same `key` (letters and digits) on this machine.

    Of processes that ask at the same time one builds, and the others wait for it. Where there is
    no folder of ours alone, or no room, nothing is kept. Raises what `build` raises.
    """
    folder = _folder()
    if folder is None:
        return build()
    file = folder / f"{key}.graph"
    with _locked(folder / f"{key}.lock"):
        graph = _read(file)
        if graph is None:
            graph = build()
            # A full disk costs the next one the time to build it.
            with suppress(OSError):
                _write(file, graph)
        return graph


def _folder() -> Path | None:
    """A folder below the machine's temporary one that nobody else can write to."""
    folder = Path(tempfile.gettempdir()) / f"image-features-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return folder if ours and not stat.S_IMODE(found.st_mode) & 0o077 else None


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
