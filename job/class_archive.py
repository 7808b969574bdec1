"""An archive of loaded classes (Java's AppCDS), which saves a third of the time of a short run.

A JVM loads and verifies 30,000 classes of Spark. The first run writes the archive when its JVM
ends, and later runs map it. Java ignores an archive of another Java version or of other jars.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ARCHIVE = Path(sys.prefix) / "spark-classes.jsa"
# `make setup` touches this file after it has installed Java, Spark or jars.
_INSTALLED = Path(sys.prefix) / ".installed"
# Java would list each class that it cannot archive.
_QUIET = "-Xlog:cds*=off"


def is_usable() -> bool:
    """Whether there is an archive of the installed versions."""
    if not ARCHIVE.is_file():
        return False
    return not _INSTALLED.is_file() or ARCHIVE.stat().st_mtime >= _INSTALLED.stat().st_mtime


def java_options() -> list[str]:
    """The JVM options that use the archive; empty without an archive."""
    return [_QUIET, f"-XX:SharedArchiveFile={ARCHIVE}"] if is_usable() else []


@contextmanager
def record() -> Iterator[dict[str, str]]:
    """Yield the Spark setting that writes the archive; keep the archive if the block succeeds.

    The JVM must end before the block does.
    """
    temporary = ARCHIVE.with_name(f"{ARCHIVE.name}.{os.getpid()}")
    try:
        yield {"spark.driver.extraJavaOptions": f"{_QUIET} -XX:ArchiveClassesAtExit={temporary}"}
        if temporary.is_file():
            temporary.replace(ARCHIVE)
    finally:
        temporary.unlink(missing_ok=True)
