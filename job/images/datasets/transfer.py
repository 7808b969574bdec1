"""Copies and deletes single objects, on a disk and S3."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from pyspark.sql import SparkSession

from job.errors import (
    AccessDeniedError,
    InputNotFoundError,
    TransportError,
    UnmappableSettingError,
)
from job.images.fetch import shared_s3_client
from job.images.s3a_config import (
    StoreSettings,
    hadoop_settings,
    settings_from_spark_conf,
    store_settings,
)
from job.images.storage import (
    ANY_SIZE,
    BucketNotFoundError,
    ForbiddenError,
    ObjectNotFoundError,
    bucket_not_found_error,
    retry_transient,
)
from job.paths import LOCAL_SCHEME, split_path

# Concurrent transfers: a request mostly waits for the store.
THREADS = 16

RETRY_SECONDS = 180.0


def store_settings_for(spark: SparkSession, *paths: str) -> StoreSettings | None:
    """The settings for S3; None if none of the canonical `paths` is on S3.

    Raises UnmappableSettingError for a setting that only s3a supports.
    """
    if all(split_path(path)[0] == LOCAL_SCHEME for path in paths):
        return None
    return _without_reader_hint(lambda: store_settings(hadoop_settings(spark), os.environ))


def store_settings_without_spark(settings: Mapping[str, str], *paths: str) -> StoreSettings | None:
    """`store_settings_for` without a Spark session. Raises the same errors."""
    if all(split_path(path)[0] == LOCAL_SCHEME for path in paths):
        return None
    return _without_reader_hint(lambda: settings_from_spark_conf(settings, os.environ))


def _without_reader_hint(settings: Callable[[], StoreSettings]) -> StoreSettings:
    """Call `settings`; its error must not suggest --reader, which these commands do not have."""
    try:
        return settings()
    except UnmappableSettingError as error:
        raise UnmappableSettingError(
            error.what, fix="leave it out: this command does not use s3a"
        ) from error


def copy(source: str, target: str, settings: StoreSettings | None) -> None:
    """Copy the object `source` to `target`, replacing it; both are canonical paths.

    S3 itself copies between two of its keys. Raises InputNotFoundError, AccessDeniedError,
    TransportError.
    """
    for attempt in retry_transient(RETRY_SECONDS, target):
        with attempt, translate_storage_errors(source, target):
            _copy(source, target, settings)


def exists(path: str, settings: StoreSettings | None) -> bool:
    """Whether a local file, folder or link, or an S3 object, has exactly this path."""
    scheme, _, key = split_path(path)
    if scheme == LOCAL_SCHEME:
        return os.path.lexists(key)
    assert settings is not None
    try:
        _read(path, settings, 0)
    except InputNotFoundError as error:
        if isinstance(error.__cause__, ObjectNotFoundError):
            return False
        raise
    return True


def same_object(path: str, other: str, settings: StoreSettings) -> bool:
    """Whether two S3 objects have the same bytes, as after a copy. Raises the errors of `copy`."""
    return _read(path, settings, ANY_SIZE) == _read(other, settings, ANY_SIZE)


def _read(path: str, settings: StoreSettings, max_bytes: int) -> bytes | None:
    """The bytes of an S3 object; None if it is longer than `max_bytes`."""
    _, bucket, key = split_path(path)
    for attempt in retry_transient(RETRY_SECONDS, path):
        with attempt, translate_storage_errors(path, path):
            return shared_s3_client(settings).get(bucket, key, max_bytes).data
    raise AssertionError("retry_transient ends with a result or an error")


def delete(path: str, settings: StoreSettings) -> None:
    """Delete the S3 object `path` if it exists. Raises the errors of `copy`."""
    _, bucket, key = split_path(path)
    for attempt in retry_transient(RETRY_SECONDS, path):
        with attempt, translate_storage_errors(path, path):
            shared_s3_client(settings).delete(bucket, key)


def _copy(source: str, target: str, settings: StoreSettings | None) -> None:
    (scheme, bucket, key), (to_scheme, to_bucket, to_key) = split_path(source), split_path(target)
    if to_scheme == LOCAL_SCHEME:
        os.makedirs(os.path.dirname(to_key), exist_ok=True)
        if scheme == LOCAL_SCHEME:
            shutil.copyfile(key, to_key)
            return
    assert settings is not None
    client = shared_s3_client(settings)
    if scheme == LOCAL_SCHEME:
        with open(key, "rb") as file:
            client.put(to_bucket, to_key, file.read())
    elif to_scheme == LOCAL_SCHEME:
        data = client.get(bucket, key, ANY_SIZE).data
        with open(to_key, "wb") as file:
            file.write(data or b"")
    else:
        client.copy(bucket, key, to_bucket, to_key)


@contextmanager
def translate_storage_errors(source: str, target: str) -> Iterator[None]:
    """Raise a JobError for a storage error between two paths."""
    try:
        yield
    except (ObjectNotFoundError, FileNotFoundError) as error:
        raise InputNotFoundError(
            f"{source} is gone",
            expected="files that stay during the run",
            fix="run the command again when nothing else writes there",
        ) from error
    except BucketNotFoundError as error:
        raise bucket_not_found_error(split_path(target)[1]) from error
    except (ForbiddenError, PermissionError) as error:
        raise AccessDeniedError(
            f"{source} cannot be read, or {target} cannot be written ({error})",
            expected="permission to read the one and to write the other",
            fix="check the role or the keys, and the mode of local folders",
        ) from error
    except OSError as error:
        raise TransportError(
            f"{target} cannot be written: {error}",
            expected="free disk space and names that the disk allows",
            fix="free some space, or choose another path; clean-names makes names portable",
        ) from error
