"""Featurizes a query image that is not in the output, with the output's network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from pyspark.sql import SparkSession

from job import schemas
from job.analysis.similarity.nearest import Vector
from job.config import ImagesConfig, NetworkConfig, SimilarConfig
from job.errors import (
    AccessDeniedError,
    FingerprintMismatchError,
    InputNotFoundError,
    InvalidValueError,
)
from job.features.feature_encoding import decode_features
from job.features.fingerprint import Fingerprint
from job.features.worker import WorkerSpec, featurizer
from job.features.worker_spec import resolve_worker
from job.images.fetch import TOO_LARGE, FetchedImage, ListedImage
from job.images.s3a_reader import driver_reader, outcome_frame
from job.images.storage import (
    BucketNotFoundError,
    ForbiddenError,
    ObjectBytes,
    ObjectNotFoundError,
    bucket_not_found_error,
    retry_transient,
)
from job.paths import LOCAL_SCHEME, split_path

# Short, because the command is interactive.
_READ_SECONDS = 30.0


def featurize_image(
    spark: SparkSession, config: SimilarConfig, recorded: Mapping[str, Any]
) -> Vector:
    """The features (d,) of `config.image_path`; the driver reads it, one task featurizes it.

    `recorded` is the fingerprint of the output; it determines the network and the EXIF rotation.
    Raises the errors of `find_similar` that concern an image.
    """
    _require_file(config.image_path)
    expected = Fingerprint.from_dict(recorded)
    images = ImagesConfig(config.image_path, exif_rotate=expected.exif_rotate)
    network = NetworkConfig(expected.backbone, config.weights, batch_size=1)
    fingerprint, worker = resolve_worker(spark, images, network)
    _require_same(fingerprint, expected, config)
    image = _read(spark, config.image_path, images.max_image_bytes)
    return _featurize(spark, image, worker)


def _require_file(path: str) -> None:
    scheme, _, key = split_path(path)
    if not key or (scheme == LOCAL_SCHEME and os.path.isdir(key)):
        raise InvalidValueError(
            f"{path} is a folder", expected="one image", fix="pass a file in it"
        )


def _require_same(fingerprint: Fingerprint, expected: Fingerprint, config: SimilarConfig) -> None:
    differences = fingerprint.differences(expected)
    if differences:
        raise FingerprintMismatchError(
            f"{config.image_path} would get features of another fingerprint than those of "
            f"{config.output_path} ({'; '.join(differences)})",
            expected="the network and the settings that produced the features",
            fix="pass the weights file that produced them with --weights",
        )


def _read(spark: SparkSession, path: str, max_bytes: int) -> FetchedImage:
    with _translate_errors(path):
        for attempt in retry_transient(_READ_SECONDS, path):
            with attempt:
                return _to_image(driver_reader(spark)(path, max_bytes))
    raise AssertionError("retrying ends with a result or an error")


def _to_image(content: ObjectBytes) -> FetchedImage:
    version = content.version
    image = ListedImage(version.path, None, version.length, version.etag, version.modification_time)
    if content.data is None:
        raise _not_decodable(image.path, f"{TOO_LARGE}, {version.length:,} bytes")
    return FetchedImage(image, content.data)


def _featurize(spark: SparkSession, fetched: FetchedImage, worker: WorkerSpec) -> Vector:
    (outcome,) = outcome_frame(spark, [fetched], featurizer(worker)).collect()
    if outcome[schemas.FEATURES] is None:
        reason, detail = outcome[schemas.REASON], outcome[schemas.DETAIL]
        raise _not_decodable(fetched.image.path, f"{reason}, {detail}")
    return decode_features(outcome[schemas.FEATURES]).astype(np.float64)


def _not_decodable(path: str, reason: str) -> InvalidValueError:
    return InvalidValueError(
        f"{path} cannot be decoded: {reason}",
        expected="a complete image: JPEG, PNG, BMP, GIF, TIFF or WebP",
        fix="pass another image",
    )


@contextmanager
def _translate_errors(path: str) -> Iterator[None]:
    """Translate storage errors into user errors."""
    scheme, bucket, key = split_path(path)
    try:
        yield
    except ObjectNotFoundError as error:
        raise InputNotFoundError(
            f"{path} is neither in the output nor in storage",
            expected="the path of an image",
            fix="check the path: names are case-sensitive",
        ) from error
    except BucketNotFoundError as error:
        raise bucket_not_found_error(bucket) from error
    except ForbiddenError as error:
        name = f"the file {key}" if scheme == LOCAL_SCHEME else path
        raise AccessDeniedError(
            f"{name} cannot be read ({error})",
            expected="read permission",
            fix="check the file mode, or the IAM role or access keys",
        ) from error
