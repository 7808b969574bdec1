"""One small object that two programs cannot replace at the same time: S3's conditional writes."""

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

_ABSENT = "NoSuchKey"
# The condition is not met; another conditional write is under way; what was read is gone since.
_LOST = ("PreconditionFailed", "ConditionalRequestConflict", _ABSENT)


class ConflictError(Exception):
    """The object is not the version that was expected: somebody else wrote it."""


@dataclass(frozen=True)
class Version:
    """Content of the object, and what names just this version of it."""

    content: bytes
    etag: str


class LeaseStore(ABC):
    """Compare and swap of one object."""

    @abstractmethod
    def read(self) -> Version | None:
        """The object; None where there is none."""

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
            now = self.read()
            if now is None or now.content != content:
                raise
            return now.etag


def lease_store(spark: SparkSession, path: str) -> LeaseStore:
    """The store of the object `path`, on S3 or on a disk."""
    system, target = resolve(spark, path)
    if target.toUri().getScheme() == "file":
        return FileStore(Path(target.toUri().getPath()))
    return _S3Store(spark, system, target.toUri().getPath().lstrip("/"))


@dataclass(frozen=True)
class _S3Store(LeaseStore):
    """Through the client of s3a itself: its endpoint, its credentials, its encryption."""

    spark: SparkSession
    system: Any
    key: str

    def read(self) -> Version | None:
        request = self.system.getRequestFactory().newGetObjectRequestBuilder(self.key).build()
        try:
            answer = self._client.getObjectAsBytes(request)
        except Py4JJavaError as error:
            if _code(error) == _ABSENT:
                return None
            raise
        return Version(bytes(answer.asByteArray()), str(answer.response().eTag()))

    def _put(self, content: bytes, expected: str | None) -> str:
        requests = self.system.getRequestFactory()
        put = requests.newPutObjectRequestBuilder(self.key, None, len(content), False)
        put = put.ifNoneMatch("*") if expected is None else put.ifMatch(expected)
        jvm: Any = self.spark.sparkContext._jvm
        body = jvm.software.amazon.awssdk.core.sync.RequestBody.fromBytes(content)
        try:
            return str(self._client.putObject(put.build(), body).eTag())
        except Py4JJavaError as error:
            if _code(error) in _LOST:
                raise ConflictError(self.key) from error
            raise

    @property
    def _client(self) -> Any:
        return self.system.getS3AInternals().getAmazonS3Client("the lease on an output")


def _code(error: Py4JJavaError) -> str | None:
    """S3's own name of what it refused; None for any other failure."""
    java: Any = error.java_exception
    if not str(java.getClass().getName()).startswith("software.amazon.awssdk.services.s3"):
        return None
    details = java.awsErrorDetails()
    return None if details is None else str(details.errorCode())


@dataclass(frozen=True)
class FileStore(LeaseStore):
    """On a disk, whose folder is locked while the file in it is compared and swapped."""

    path: Path

    def read(self) -> Version | None:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        return Version(content, hashlib.sha256(content).hexdigest())

    def _put(self, content: bytes, expected: str | None) -> str:
        with self._locked():
            now = self.read()
            if (now.etag if now else None) != expected:
                raise ConflictError(str(self.path))
            unfinished = self.path.with_name(f"{self.path.name}.tmp")
            unfinished.write_bytes(content)
            unfinished.replace(self.path)
        return hashlib.sha256(content).hexdigest()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
