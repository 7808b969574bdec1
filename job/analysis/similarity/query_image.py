"""The features of one image that no table has, by the network which made those that it has."""

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

# A person waits for the answer.
_READ_SECONDS = 30.0


def features_of_image(
    spark: SparkSession, config: SimilarConfig, recorded: Mapping[str, Any]
) -> Vector:
    """Features (d,) of `config.image_path`, which the driver reads and one task featurizes.

    `recorded` is the fingerprint of the output: it says which network, and how images are turned.
    Raises what `find_similar` raises of an image.
    """
    _require_file(config.image_path)
    theirs = Fingerprint.from_dict(recorded)
    images = ImagesConfig(config.image_path, exif_rotate=theirs.exif_rotate)
    network = NetworkConfig(
        theirs.backbone, config.weights, batch_size=1, precision=theirs.numeric_class
    )
    ours, worker = resolve_worker(spark, images, network)
    _require_same(ours, theirs, config)
    return _featurized(spark, _read(spark, config.image_path, images.max_image_bytes), worker)


def _require_file(path: str) -> None:
    scheme, _, key = split_path(path)
    if not key or (scheme == LOCAL_SCHEME and os.path.isdir(key)):
        raise InvalidValueError(
            f"{path} is a folder", expected="one image", fix="name a file in it"
        )


def _require_same(ours: Fingerprint, theirs: Fingerprint, config: SimilarConfig) -> None:
    differences = ours.differences(theirs)
    if differences:
        raise FingerprintMismatchError(
            f"{config.image_path} would get features of another fingerprint than those of "
            f"{config.output_path} ({'; '.join(differences)})",
            expected="the network and the rules that made the features",
            fix="give --weights the file that they were made with",
        )


def _read(spark: SparkSession, path: str, largest: int) -> FetchedImage:
    with _told(path):
        for attempt in retry_transient(_READ_SECONDS, path):
            with attempt:
                return _fetched(driver_reader(spark)(path, largest))
    raise AssertionError("retry_transient ends with a result or an error")


def _fetched(found: ObjectBytes) -> FetchedImage:
    version = found.version
    image = ListedImage(version.path, None, version.length, version.etag, version.modification_time)
    if found.data is None:
        raise _no_image(image.path, f"{TOO_LARGE}, {version.length:,} bytes")
    return FetchedImage(image, found.data)


def _featurized(spark: SparkSession, fetched: FetchedImage, worker: WorkerSpec) -> Vector:
    (outcome,) = outcome_frame(spark, [fetched], featurizer(worker)).collect()
    if outcome[schemas.FEATURES] is None:
        raise _no_image(fetched.image.path, f"{outcome[schemas.REASON]}, {outcome[schemas.DETAIL]}")
    return decode_features(outcome[schemas.FEATURES]).astype(np.float64)


def _no_image(path: str, why: str) -> InvalidValueError:
    return InvalidValueError(
        f"{path} cannot be decoded: {why}",
        expected="a whole image: JPEG, PNG, BMP, GIF, TIFF or WebP",
        fix="name another image",
    )


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What keeps one object from being read, in the words of a person."""
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
        what = f"the file {key}" if scheme == LOCAL_SCHEME else path
        raise AccessDeniedError(
            f"{what} cannot be read ({error})",
            expected="the right to read it",
            fix="check its mode, or the role or the keys",
        ) from error
