"""Whole files on any storage that Hadoop reaches: the only place with its FileSystem."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.sql import SparkSession

# A PUT shows an object only when it is complete; elsewhere half a file could be seen.
_ATOMIC_SCHEMES = ("s3a", "s3", "s3n")

_FOLDERS_AT_ONCE = 8

_MISSING = "java.io.FileNotFoundException"
_PRESENT = "org.apache.hadoop.fs.FileAlreadyExistsException"


def read_bytes(spark: SparkSession, path: str, most: int | None = None) -> bytes:
    """The content of the file `path`, or its first `most` bytes.

    Raises FileNotFoundError, also for a folder; other failures of storage as Py4JJavaError.
    """
    system, target = resolve(spark, path)
    with _named_errors(path):
        stream = system.open(target)
        try:
            return bytes(stream.readAllBytes() if most is None else stream.readNBytes(most))
        finally:
            stream.close()


def write_bytes(spark: SparkSession, path: str, data: bytes, *, overwrite: bool = True) -> None:
    """Write `data` as the file `path`; whoever reads it sees the old or the new content, whole.

    Raises FileExistsError where `overwrite` is False and the file is there. That check and the
    write are two steps: it is no lock.
    """
    system, target = resolve(spark, path)
    with _named_errors(path):
        if target.toUri().getScheme() in _ATOMIC_SCHEMES:
            _create(system, target, data, overwrite)
            return
        if not overwrite and system.exists(target):
            raise FileExistsError(path)
        unfinished = _unfinished(path)
        _create(system, resolve(spark, unfinished)[1], data, overwrite)
        rename(spark, unfinished, path)


@contextmanager
def writing(spark: SparkSession, path: str) -> Iterator[Callable[[bytes], None]]:
    """A file that is written piece by piece, by calls of what this yields.

    It appears, whole, when the block ends, and replaces the one that was there; a block that fails
    leaves what was there.
    """
    system, target = resolve(spark, path)
    atomic = target.toUri().getScheme() in _ATOMIC_SCHEMES
    unfinished = path if atomic else _unfinished(path)
    with _named_errors(path):
        stream = system.create(resolve(spark, unfinished)[1], True)
    try:
        yield stream.write
    except BaseException:
        # What failed may be the storage or the JVM itself; that is what is to be told.
        with suppress(Py4JError, ConnectionError):
            if atomic:
                stream.abort()
            stream.close()
            if not atomic:
                delete(spark, unfinished)
        raise
    with _named_errors(path):
        stream.close()
    if not atomic:
        rename(spark, unfinished, path)


def size(spark: SparkSession, path: str) -> int:
    """The bytes of the file `path`, or of all files under the folder. Raises FileNotFoundError."""
    system, target = resolve(spark, path)
    with _named_errors(path):
        return int(system.getContentSummary(target).getLength())


def exists(spark: SparkSession, path: str) -> bool:
    """Whether a file or folder `path` is there."""
    system, target = resolve(spark, path)
    return bool(system.exists(target))


def is_file(spark: SparkSession, path: str) -> bool:
    """Whether `path` is a file; False for a folder and where nothing is."""
    system, target = resolve(spark, path)
    return bool(system.exists(target) and system.getFileStatus(target).isFile())


def entries(spark: SparkSession, path: str) -> Iterator[tuple[str, bool]]:
    """The name of each file and folder directly under the folder `path`, and whether it is a file.

    A page at a time, for who needs the first ones of many. Raises FileNotFoundError.
    """
    system, target = resolve(spark, path)
    with _named_errors(path):
        found = system.listStatusIterator(target)
        while found.hasNext():
            status = found.next()
            yield str(status.getPath().getName()), bool(status.isFile())


def names(spark: SparkSession, path: str) -> list[str]:
    """The names, sorted, of the files and folders directly under the folder `path`.

    Raises FileNotFoundError. For folders of our own making, with few entries.
    """
    return sorted(name for name, _ in entries(spark, path))


def delete(spark: SparkSession, path: str) -> None:
    """Delete a file, or a folder with all that is in it; where there is none, nothing happens."""
    system, target = resolve(spark, path)
    system.delete(target, True)
    # SeaweedFS goes on listing folders whose objects are gone, for minutes: whoever then looks
    # whether `path` is free finds it taken.
    if system.exists(target):
        _delete_empty_folders(system, target)


def delete_empty(spark: SparkSession, path: str) -> None:
    """Delete the folder `path` if there is nothing in it."""
    system, target = resolve(spark, path)
    # Where it is not there, or is no longer empty, nothing is to be done.
    with suppress(Py4JJavaError):
        if not list(system.listStatus(target)):
            system.delete(target, False)


def rename(spark: SparkSession, source: str, destination: str) -> None:
    """Move the file `source` to `destination`, replacing a file there.

    One step on a local disk; on S3 a delete and a copy. Between two disks or buckets the bytes
    pass through this process. Raises FileNotFoundError.
    """
    system, here = resolve(spark, source)
    other_system, there = resolve(spark, destination)
    with _named_errors(source):
        system.getFileStatus(here)
        if system.getUri() != other_system.getUri():
            _move_elsewhere(spark, source, destination)
            return
        if here.toUri().getScheme() in _ATOMIC_SCHEMES:
            system.delete(there, False)
        if not system.rename(here, there):
            raise OSError(f"{source} cannot be moved to {destination}")


def _move_elsewhere(spark: SparkSession, source: str, destination: str) -> None:
    jvm: Any = spark.sparkContext._jvm
    context: Any = spark.sparkContext._jsc
    system, here = resolve(spark, source)
    other_system, there = resolve(spark, destination)
    is_atomic = there.toUri().getScheme() in _ATOMIC_SCHEMES
    target = destination if is_atomic else _unfinished(destination)
    copied = resolve(spark, target)[1]
    jvm.org.apache.hadoop.fs.FileUtil.copy(
        system, here, other_system, copied, True, True, context.hadoopConfiguration()
    )
    if not is_atomic:
        rename(spark, target, destination)


def _delete_empty_folders(system: Any, folder: Any) -> None:
    with suppress(FileNotFoundError), _named_errors(folder.toString()):
        below = [status.getPath() for status in system.listStatus(folder)]
        # Six requests for each, one after the other.
        with ThreadPoolExecutor(_FOLDERS_AT_ONCE) as pool:
            list(pool.map(partial(_delete_empty_folders, system), below))
    system.delete(folder, False)


def _unfinished(path: str) -> str:
    return f"{path}.{uuid.uuid4().hex[:8]}.tmp"


def _create(system: Any, target: Any, data: bytes, overwrite: bool) -> None:
    stream = system.create(target, overwrite)
    try:
        stream.write(data)
    finally:
        stream.close()


def resolve(spark: SparkSession, path: str) -> tuple[Any, Any]:
    """The Hadoop FileSystem that `path` lives on, and its qualified Path.

    The local one without its `.crc` files: a checksum left from an earlier content would make
    the new content unreadable.
    """
    jvm: Any = spark.sparkContext._jvm
    context: Any = spark.sparkContext._jsc
    target = jvm.org.apache.hadoop.fs.Path(path)
    system = target.getFileSystem(context.hadoopConfiguration())
    if system.getScheme() == "file":
        system = system.getRawFileSystem()
    return system, system.makeQualified(target)


@contextmanager
def _named_errors(path: str) -> Iterator[None]:
    """Python's own names for what is missing or in the way; other failures stay what they are."""
    try:
        yield
    except Py4JJavaError as error:
        kind = error.java_exception.getClass().getName()
        if kind == _MISSING:
            raise FileNotFoundError(path) from error
        if kind == _PRESENT:
            raise FileExistsError(path) from error
        raise
