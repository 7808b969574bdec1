"""Column names and StructTypes: the contract between the folders of job/."""

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
# In a table of changes: True for an added row, False for a removed row.
IS_ADDED = "is_added"
# In a listing: whether a table holds this version of the object.
KNOWN = "known"
# The fold that an image is tested in; an image with a fold below 0 is only trained on.
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

# Listing: one row per object, with a canonical `path`, and `etag` without quotes.
LISTING_SCHEMA = StructType(_OBJECT_VERSION)

# Input of a task: the listing, and whether the report shows the image.
WORK_SCHEMA = StructType([*_OBJECT_VERSION, StructField(WANTS_THUMBNAIL, LongType(), False)])

# Output of a worker: exactly one of `features` and `reason` is null. The features are packed.
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

# The cluster of each projected image.
ASSIGNMENTS_SCHEMA = StructType(
    [
        StructField(PATH, StringType(), nullable=False),
        StructField(LABEL, StringType()),
        StructField(CLUSTER, IntegerType(), nullable=False),
    ]
)

# Input of the classifiers: `features` has the features of the network or their components.
LABELLED_SCHEMA = StructType(
    [
        StructField(PATH, StringType(), nullable=False),
        StructField(LABEL, StringType(), nullable=False),
        StructField(FOLD, IntegerType(), nullable=False),
        StructField(FEATURES, ArrayType(FloatType()), nullable=False),
    ]
)

# `probability` belongs to the class `predicted`; `probabilities` has all classes.
PREDICTIONS_SCHEMA = StructType(
    [
        StructField(PATH, StringType(), nullable=False),
        StructField(LABEL, StringType()),
        StructField(PREDICTED, StringType(), nullable=False),
        StructField(PROBABILITY, FloatType(), nullable=False),
        StructField(PROBABILITIES, MapType(StringType(), FloatType()), nullable=False),
    ]
)
