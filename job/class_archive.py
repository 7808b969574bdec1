"""Spark's classes as Java maps them: loading and checking 30,000 is a third of a short run's time.

The first run records what it loaded when its JVM ends, later runs start from that. Java itself
ignores an archive of another Java or of other jars.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ARCHIVE = Path(sys.prefix) / "spark-classes.jsa"
# What `make setup` touches when it has installed Java, Spark or jars anew.
_INSTALLED = Path(sys.prefix) / ".installed"
# Which classes cannot be kept is of no use to anybody.
_QUIET = "-Xlog:cds*=off"


def is_recorded() -> bool:
    """Whether there is an archive of what is installed now."""
    if not ARCHIVE.is_file():
        return False
    return not _INSTALLED.is_file() or ARCHIVE.stat().st_mtime >= _INSTALLED.stat().st_mtime


def reading_options() -> list[str]:
    """The options of a JVM that starts from the archive; none where there is none."""
    return [_QUIET, f"-XX:SharedArchiveFile={ARCHIVE}"] if is_recorded() else []


@contextmanager
def recording() -> Iterator[dict[str, str]]:
    """The Spark setting that records; the archive is kept if the block ends well.

    The block must not end before the JVM has.
    """
    unfinished = ARCHIVE.with_name(f"{ARCHIVE.name}.{os.getpid()}")
    try:
        yield {"spark.driver.extraJavaOptions": f"{_QUIET} -XX:ArchiveClassesAtExit={unfinished}"}
        if unfinished.is_file():
            unfinished.replace(ARCHIVE)
    finally:
        unfinished.unlink(missing_ok=True)
