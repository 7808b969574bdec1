"""One object from anywhere to anywhere: local files and S3, names as they are."""

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
from job.images.fetch import s3_objects
from job.images.s3a_config import (
    StoreSettings,
    hadoop_settings,
    settings_of_spark,
    store_settings,
)
from job.images.storage import (
    ANY_SIZE,
    BucketMissingError,
    ForbiddenError,
    VanishedError,
    bucket_missing,
    retrying,
)
from job.paths import LOCAL_SCHEME, split_path

# What is in flight at once: a request waits for the store most of its time.
THREADS = 16

RETRY_SECONDS = 180.0


def settings_for(spark: SparkSession, *paths: str) -> StoreSettings | None:
    """How S3 is reached, None where none of the canonical `paths` is on it.

    Raises UnmappableSettingError for a setting that only s3a can honour.
    """
    if all(split_path(path)[0] == LOCAL_SCHEME for path in paths):
        return None
    return honoured(lambda: store_settings(hadoop_settings(spark), os.environ))


def settings_without_spark(settings: Mapping[str, str], *paths: str) -> StoreSettings | None:
    """What `settings_for` gives, of Spark settings alone. Raises what it raises."""
    if all(split_path(path)[0] == LOCAL_SCHEME for path in paths):
        return None
    return honoured(lambda: settings_of_spark(settings, os.environ))


def honoured(settings: Callable[[], StoreSettings]) -> StoreSettings:
    """`settings`, or an error that does not offer Spark's own reader: these commands have none."""
    try:
        return settings()
    except UnmappableSettingError as error:
        raise UnmappableSettingError(
            error.what, fix="leave it out; this command reaches S3 by a client of its own"
        ) from error


def copy(source: str, target: str, settings: StoreSettings | None) -> None:
    """Copy the object `source` to `target`, replacing what is there; both are canonical.

    Between two keys of S3 the store copies by itself. Raises InputNotFoundError,
    AccessDeniedError, TransportError.
    """
    for attempt in retrying(RETRY_SECONDS, target):
        with attempt, told(source, target):
            _copy(source, target, settings)


def exists(path: str, settings: StoreSettings | None) -> bool:
    """Whether a file, a folder or a link, or an object of S3, has this very path."""
    scheme, _, key = split_path(path)
    if scheme == LOCAL_SCHEME:
        return os.path.lexists(key)
    assert settings is not None
    try:
        _read(path, settings, 0)
    except InputNotFoundError as error:
        if isinstance(error.__cause__, VanishedError):
            return False
        raise
    return True


def same_object(path: str, other: str, settings: StoreSettings) -> bool:
    """Whether two objects of S3 have the same bytes, as after a copy. Raises what `copy` raises."""
    return _read(path, settings, ANY_SIZE) == _read(other, settings, ANY_SIZE)


def _read(path: str, settings: StoreSettings, most: int) -> bytes | None:
    """The bytes of an object of S3, None if they are more than `most`. Raises what `copy` raises"""
    _, bucket, key = split_path(path)
    for attempt in retrying(RETRY_SECONDS, path):
        with attempt, told(path, path):
            return s3_objects(settings).get(bucket, key, most).data
    raise AssertionError("retrying ends with a result or an error")


def delete(path: str, settings: StoreSettings) -> None:
    """Delete the object `path` of S3, if it is there. Raises what `copy` raises."""
    _, bucket, key = split_path(path)
    for attempt in retrying(RETRY_SECONDS, path):
        with attempt, told(path, path):
            s3_objects(settings).delete(bucket, key)


def _copy(source: str, target: str, settings: StoreSettings | None) -> None:
    (here, bucket, key), (there, to_bucket, to_key) = split_path(source), split_path(target)
    if there == LOCAL_SCHEME:
        os.makedirs(os.path.dirname(to_key), exist_ok=True)
        if here == LOCAL_SCHEME:
            shutil.copyfile(key, to_key)
            return
    assert settings is not None
    store = s3_objects(settings)
    if here == LOCAL_SCHEME:
        with open(key, "rb") as file:
            store.put(to_bucket, to_key, file.read())
    elif there == LOCAL_SCHEME:
        data = store.get(bucket, key, ANY_SIZE).data
        with open(to_key, "wb") as file:
            file.write(data or b"")
    else:
        store.copy(bucket, key, to_bucket, to_key)


@contextmanager
def told(source: str, target: str) -> Iterator[None]:
    """What goes wrong between two paths, in the words of a person."""
    try:
        yield
    except (VanishedError, FileNotFoundError) as error:
        raise InputNotFoundError(
            f"{source} is gone",
            expected="images that stay while they are copied",
            fix="run it again when nobody writes there",
        ) from error
    except BucketMissingError as error:
        raise bucket_missing(split_path(target)[1]) from error
    except (ForbiddenError, PermissionError) as error:
        raise AccessDeniedError(
            f"{source} cannot be read, or {target} not be written ({error})",
            expected="the right to read the one and to write the other",
            fix="check the role or the keys, and the mode of local folders",
        ) from error
    except OSError as error:
        raise TransportError(
            f"{target} cannot be written: {error}",
            expected="room on the disk and names that it takes",
            fix="free some space, or choose another place; clean-names mends names",
        ) from error
