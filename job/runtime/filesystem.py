"""Reads and writes whole files on any storage of Hadoop; the only user of its FileSystem."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.sql import SparkSession

# S3 shows an object only when its PUT is complete; elsewhere readers could see half a file.
_ATOMIC_SCHEMES = ("s3a", "s3", "s3n")

_DELETE_THREADS = 8

_NOT_FOUND = "java.io.FileNotFoundException"
_ALREADY_EXISTS = "org.apache.hadoop.fs.FileAlreadyExistsException"


def read_bytes(spark: SparkSession, path: str, max_bytes: int | None = None) -> bytes:
    """The content of the file `path`, or its first `max_bytes` bytes.

    Raises FileNotFoundError, also for a folder, and Py4JJavaError for other failures of storage.
    """
    system, target = resolve(spark, path)
    with _translate_errors(path):
        stream = system.open(target)
        try:
            return bytes(
                stream.readAllBytes() if max_bytes is None else stream.readNBytes(max_bytes)
            )
        finally:
            stream.close()


def write_bytes(spark: SparkSession, path: str, data: bytes, *, overwrite: bool = True) -> None:
    """Write `data` as the file `path`; readers see the whole old or the whole new content.

    Raises FileExistsError if `overwrite` is False and the file exists. The check and the write are
    two steps, so they are not a lock.
    """
    system, target = resolve(spark, path)
    with _translate_errors(path):
        if target.toUri().getScheme() in _ATOMIC_SCHEMES:
            _create(system, target, data, overwrite)
            return
        if not overwrite and system.exists(target):
            raise FileExistsError(path)
        temporary = _temporary_path(path)
        _create(system, resolve(spark, temporary)[1], data, overwrite)
        rename(spark, temporary, path)


@contextmanager
def writing(spark: SparkSession, path: str) -> Iterator[Callable[[bytes], None]]:
    """Write a file piece by piece; yields the function that writes a piece.

    The whole file appears when the block ends, and replaces an earlier file. If the block fails,
    the earlier file stays.
    """
    system, target = resolve(spark, path)
    atomic = target.toUri().getScheme() in _ATOMIC_SCHEMES
    temporary = path if atomic else _temporary_path(path)
    with _translate_errors(path):
        stream = system.create(resolve(spark, temporary)[1], True)
    try:
        yield stream.write
    except BaseException:
        # The storage or the JVM may have failed: a second error must not hide the first.
        with suppress(Py4JError, ConnectionError):
            if atomic:
                stream.abort()
            stream.close()
            if not atomic:
                delete(spark, temporary)
        raise
    with _translate_errors(path):
        stream.close()
    if not atomic:
        rename(spark, temporary, path)


def size(spark: SparkSession, path: str) -> int:
    """Bytes in the file `path`, or in all files under the folder. Raises FileNotFoundError."""
    system, target = resolve(spark, path)
    with _translate_errors(path):
        return int(system.getContentSummary(target).getLength())


def exists(spark: SparkSession, path: str) -> bool:
    """Whether the file or folder `path` exists."""
    system, target = resolve(spark, path)
    return bool(system.exists(target))


def is_file(spark: SparkSession, path: str) -> bool:
    """Whether `path` is a file; False for a folder and for a missing path."""
    system, target = resolve(spark, path)
    return bool(system.exists(target) and system.getFileStatus(target).isFile())


def entries(spark: SparkSession, path: str) -> Iterator[tuple[str, bool]]:
    """(name, is a file) of each file and folder directly under the folder `path`.

    Lists a page at a time, for callers that need only the first entries. Raises FileNotFoundError.
    """
    system, target = resolve(spark, path)
    with _translate_errors(path):
        statuses = system.listStatusIterator(target)
        while statuses.hasNext():
            status = statuses.next()
            yield str(status.getPath().getName()), bool(status.isFile())


def names(spark: SparkSession, path: str) -> list[str]:
    """The sorted names of the files and folders directly under the folder `path`.

    Lists all entries: use it for small folders. Raises FileNotFoundError.
    """
    return sorted(name for name, _ in entries(spark, path))


def delete(spark: SparkSession, path: str) -> None:
    """Delete a file, or a folder and its content; a missing path is not an error."""
    system, target = resolve(spark, path)
    system.delete(target, True)
    # SeaweedFS lists the folders of deleted objects for minutes: `path` would still seem to exist.
    if system.exists(target):
        _delete_empty_folders(system, target)


def delete_empty(spark: SparkSession, path: str) -> None:
    """Delete the folder `path` if it is empty."""
    system, target = resolve(spark, path)
    # The folder may be missing, or another program may have written to it.
    with suppress(Py4JJavaError):
        if not list(system.listStatus(target)):
            system.delete(target, False)


def rename(spark: SparkSession, source: str, destination: str) -> None:
    """Move the file `source` to `destination`; replaces an existing file.

    A move is one step on a local disk, and a delete and a copy on S3. Between two disks or buckets
    the bytes pass through this process. Raises FileNotFoundError.
    """
    system, source_path = resolve(spark, source)
    destination_system, destination_path = resolve(spark, destination)
    with _translate_errors(source):
        system.getFileStatus(source_path)
        if system.getUri() != destination_system.getUri():
            _move_across(spark, source, destination)
            return
        if source_path.toUri().getScheme() in _ATOMIC_SCHEMES:
            system.delete(destination_path, False)
        if not system.rename(source_path, destination_path):
            raise OSError(f"{source} cannot be moved to {destination}")


def _move_across(spark: SparkSession, source: str, destination: str) -> None:
    jvm: Any = spark.sparkContext._jvm
    context: Any = spark.sparkContext._jsc
    system, source_path = resolve(spark, source)
    destination_system, destination_path = resolve(spark, destination)
    is_atomic = destination_path.toUri().getScheme() in _ATOMIC_SCHEMES
    target = destination if is_atomic else _temporary_path(destination)
    copy_path = resolve(spark, target)[1]
    jvm.org.apache.hadoop.fs.FileUtil.copy(
        system,
        source_path,
        destination_system,
        copy_path,
        True,
        True,
        context.hadoopConfiguration(),
    )
    if not is_atomic:
        rename(spark, target, destination)


def _delete_empty_folders(system: Any, folder: Any) -> None:
    with suppress(FileNotFoundError), _translate_errors(folder.toString()):
        subfolders = [status.getPath() for status in system.listStatus(folder)]
        # Each folder takes six requests, one after the other.
        with ThreadPoolExecutor(_DELETE_THREADS) as pool:
            list(pool.map(partial(_delete_empty_folders, system), subfolders))
    system.delete(folder, False)


def _temporary_path(path: str) -> str:
    return f"{path}.{uuid.uuid4().hex[:8]}.tmp"


def _create(system: Any, target: Any, data: bytes, overwrite: bool) -> None:
    stream = system.create(target, overwrite)
    try:
        stream.write(data)
    finally:
        stream.close()


def resolve(spark: SparkSession, path: str) -> tuple[Any, Any]:
    """The Hadoop FileSystem of `path`, and its qualified Path.

    The local file system gets no `.crc` files: the checksum of an earlier content would make the
    new content unreadable.
    """
    jvm: Any = spark.sparkContext._jvm
    context: Any = spark.sparkContext._jsc
    target = jvm.org.apache.hadoop.fs.Path(path)
    system = target.getFileSystem(context.hadoopConfiguration())
    if system.getScheme() == "file":
        system = system.getRawFileSystem()
    return system, system.makeQualified(target)


@contextmanager
def _translate_errors(path: str) -> Iterator[None]:
    """Translate Java's exceptions for missing and existing files into Python's."""
    try:
        yield
    except Py4JJavaError as error:
        kind = error.java_exception.getClass().getName()
        if kind == _NOT_FOUND:
            raise FileNotFoundError(path) from error
        if kind == _ALREADY_EXISTS:
            raise FileExistsError(path) from error
        raise
