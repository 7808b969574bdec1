"""Column names and StructTypes: the contract between rooms."""

from __future__ import annotations

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

PATH = "path"
LABEL = "label"
LENGTH = "length"
ETAG = "etag"
MODIFICATION_TIME = "modification_time"
FEATURES = "features"
REASON = "reason"
DETAIL = "detail"
THUMBNAIL = "thumbnail"
WANTS_THUMBNAIL = "wants_thumbnail"
SLICE = "slice"
CONTENT = "content"
RUN_ID = "run_id"
PCA = "pca"
CLUSTER = "cluster"
# Of a change: whether the row came or went.
CAME = "came"
# Of a listed object: whether a table holds this version of it.
KNOWN = "known"
# Which part of a split an image tests in; below 0 it only trains.
FOLD = "fold"
PREDICTED = "predicted"
PROBABILITY = "probability"
PROBABILITIES = "probabilities"

_OBJECT = [
    StructField(PATH, StringType(), nullable=False),
    StructField(LABEL, StringType()),
    StructField(LENGTH, LongType(), nullable=False),
    StructField(ETAG, StringType()),
]
_OBJECT_VERSION = [*_OBJECT, StructField(MODIFICATION_TIME, TimestampType())]
_WHY_NOT = [StructField(REASON, StringType()), StructField(DETAIL, StringType())]

# What the lister yields: one row per object, `path` canonical, `etag` without quotes.
LISTING_SCHEMA = StructType(_OBJECT_VERSION)

# What a task is given: the listing, and which images the report will show.
WORK_SCHEMA = StructType([*_OBJECT_VERSION, StructField(WANTS_THUMBNAIL, LongType(), False)])

# What the worker yields: exactly one of `features` and `reason` is null. The features are packed.
OUTCOME_SCHEMA = StructType(
    [
        *_OBJECT_VERSION,
        StructField(FEATURES, BinaryType()),
        *_WHY_NOT,
        StructField(THUMBNAIL, BinaryType()),
    ]
)

FEATURES_SCHEMA = StructType(
    [
        *_OBJECT_VERSION,
        StructField(FEATURES, ArrayType(FloatType()), nullable=False),
        StructField(RUN_ID, StringType(), nullable=False),
    ]
)

QUARANTINE_SCHEMA = StructType([*_OBJECT, *_WHY_NOT, StructField(RUN_ID, StringType(), False)])

PROJECTION_SCHEMA = StructType(
    [
        StructField(PATH, StringType(), nullable=False),
        StructField(LABEL, StringType()),
        StructField(PCA, ArrayType(FloatType()), nullable=False),
    ]
)

# Of each projected image, the cluster that it is in.
ASSIGNMENTS_SCHEMA = StructType(
    [
        StructField(PATH, StringType(), nullable=False),
        StructField(LABEL, StringType()),
        StructField(CLUSTER, IntegerType(), nullable=False),
    ]
)

# What classifiers are trained on: `features` are those of the network, or components of them.
LABELLED_SCHEMA = StructType(
    [
        StructField(PATH, StringType(), nullable=False),
        StructField(LABEL, StringType(), nullable=False),
        StructField(FOLD, IntegerType(), nullable=False),
        StructField(FEATURES, ArrayType(FloatType()), nullable=False),
    ]
)

# `probability` is that of the class `predicted`; `probabilities` has all classes.
PREDICTIONS_SCHEMA = StructType(
    [
        StructField(PATH, StringType(), nullable=False),
        StructField(LABEL, StringType()),
        StructField(PREDICTED, StringType(), nullable=False),
        StructField(PROBABILITY, FloatType(), nullable=False),
        StructField(PROBABILITIES, MapType(StringType(), FloatType()), nullable=False),
    ]
)
