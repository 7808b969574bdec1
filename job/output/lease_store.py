"""Stores the lease as one object that is replaced by conditional writes, as S3 has them."""

from __future__ import annotations

import fcntl
import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from job.runtime.filesystem import resolve

_NOT_FOUND = "NoSuchKey"
# The condition failed, another conditional write is in progress, or the object was deleted.
_CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict", _NOT_FOUND)


class ConflictError(Exception):
    """The object is not the expected version: another process wrote it."""


@dataclass(frozen=True)
class Version:
    """The content of the object, and the etag that identifies this version."""

    content: bytes
    etag: str


class LeaseStore(ABC):
    """Compare-and-swap of one object."""

    @abstractmethod
    def read(self) -> Version | None:
        """The object; None if it does not exist."""

    @abstractmethod
    def _put(self, content: bytes, expected: str | None) -> str:
        """One conditional write, which a client may send twice. Raises ConflictError."""

    def write(self, content: bytes, expected: str | None) -> str:
        """Replace the version `expected` (None: no object); returns the new version's etag.

        Raises ConflictError if the object is another version.
        """
        try:
            return self._put(content, expected)
        except ConflictError:
            # A client that lost the response sends the request again, which then conflicts.
            current = self.read()
            if current is None or current.content != content:
                raise
            return current.etag


def lease_store(spark: SparkSession, path: str) -> LeaseStore:
    """The store of the object `path`, on S3 or on a local disk."""
    system, target = resolve(spark, path)
    if target.toUri().getScheme() == "file":
        return FileStore(Path(target.toUri().getPath()))
    return _S3Store(spark, system, target.toUri().getPath().lstrip("/"))


@dataclass(frozen=True)
class _S3Store(LeaseStore):
    """An object on S3, through s3a's own client with its endpoint, credentials and encryption."""

    spark: SparkSession
    system: Any
    key: str

    def read(self) -> Version | None:
        request = self.system.getRequestFactory().newGetObjectRequestBuilder(self.key).build()
        try:
            response = self._client.getObjectAsBytes(request)
        except Py4JJavaError as error:
            if _error_code(error) == _NOT_FOUND:
                return None
            raise
        return Version(bytes(response.asByteArray()), str(response.response().eTag()))

    def _put(self, content: bytes, expected: str | None) -> str:
        requests = self.system.getRequestFactory()
        put = requests.newPutObjectRequestBuilder(self.key, None, len(content), False)
        put = put.ifNoneMatch("*") if expected is None else put.ifMatch(expected)
        jvm: Any = self.spark.sparkContext._jvm
        body = jvm.software.amazon.awssdk.core.sync.RequestBody.fromBytes(content)
        try:
            return str(self._client.putObject(put.build(), body).eTag())
        except Py4JJavaError as error:
            if _error_code(error) in _CONFLICTS:
                raise ConflictError(self.key) from error
            raise

    @property
    def _client(self) -> Any:
        return self.system.getS3AInternals().getAmazonS3Client("the lease on an output")


def _error_code(error: Py4JJavaError) -> str | None:
    """The error code of S3's response; None for any other failure."""
    java: Any = error.java_exception
    if not str(java.getClass().getName()).startswith("software.amazon.awssdk.services.s3"):
        return None
    details = java.awsErrorDetails()
    return None if details is None else str(details.errorCode())


@dataclass(frozen=True)
class FileStore(LeaseStore):
    """A file on a local disk; its folder is locked during compare-and-swap."""

    path: Path

    def read(self) -> Version | None:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        return Version(content, hashlib.sha256(content).hexdigest())

    def _put(self, content: bytes, expected: str | None) -> str:
        with self._folder_lock():
            current = self.read()
            if (current.etag if current else None) != expected:
                raise ConflictError(str(self.path))
            unfinished = self.path.with_name(f"{self.path.name}.tmp")
            unfinished.write_bytes(content)
            unfinished.replace(self.path)
        return hashlib.sha256(content).hexdigest()

    @contextmanager
    def _folder_lock(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
