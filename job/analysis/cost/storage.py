"""Reads local files and S3 objects without Spark: event logs, and the sizes of outputs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from job.errors import AccessDeniedError, InputNotFoundError, TransportError
from job.images.fetch import object_reader, shared_s3_client
from job.images.local_client import file_at, files_below
from job.images.s3a_config import StoreSettings, settings_from_spark_conf
from job.images.storage import (
    ANY_SIZE,
    BucketNotFoundError,
    ForbiddenError,
    ObjectNotFoundError,
    StoredObject,
    TransientError,
    all_pages,
)
from job.paths import LOCAL_SCHEME, canonical_path, split_path
from job.s3_address import require_hosts


@dataclass(frozen=True)
class Storage:
    """Local files and S3 objects; `settings` are Spark's, with the S3A endpoint and credentials."""

    settings: Mapping[str, str]

    def list_objects(self, path: str) -> list[StoredObject]:
        """The file or object at `path`, or all files below this folder.

        Raises InvalidValueError, InputNotFoundError, AccessDeniedError, TransportError.
        """
        scheme, bucket, key = split_path(canonical_path(path))
        require_hosts([path], self.settings)
        with _translate_errors(path):
            is_local = scheme == LOCAL_SCHEME
            listed = list(_list_local(key) if is_local else self._list_s3(bucket, key))
        # SeaweedFS also lists folders.
        objects = [entry for entry in listed if not entry.path.endswith("/")]
        if not objects:
            raise _missing(path)
        return objects

    def read(self, path: str) -> bytes:
        """The content of a file or an object. Raises the errors of `list_objects`."""
        with _translate_errors(path):
            return object_reader(self._store)(path, ANY_SIZE).data or b""

    @cached_property
    def _store(self) -> StoreSettings:
        return settings_from_spark_conf(self.settings, os.environ)

    def _list_s3(self, bucket: str, key: str) -> Iterator[StoredObject]:
        store = shared_s3_client(self._store)
        for page in all_pages(lambda token: store.page(bucket, key, token=token)):
            for stored in page.objects:
                rest = split_path(stored.path)[2].removeprefix(key)
                if not key or not rest or rest.startswith("/"):
                    yield stored


def _list_local(path: str) -> Iterator[StoredObject]:
    yield from file_at(path)
    yield from files_below(path, recursive=True)


@contextmanager
def _translate_errors(path: str) -> Iterator[None]:
    try:
        yield
    except (BucketNotFoundError, ObjectNotFoundError) as error:
        raise _missing(path) from error
    except ForbiddenError as error:
        raise AccessDeniedError(
            f"{path} may not be read: {error}", fix="check the credentials"
        ) from error
    except TransientError as error:
        raise TransportError(
            f"the storage of {path} does not answer: {error}",
            fix="check the endpoint (--conf spark.hadoop.fs.s3a.endpoint=...) and the network",
        ) from error


def _missing(path: str) -> InputNotFoundError:
    return InputNotFoundError(
        f"there is nothing at {path}", expected="a file or a folder", fix="check the path"
    )
