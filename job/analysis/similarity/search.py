"""One image to its nearest neighbours: where its numbers come from, and what is searched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.analysis.similarity.nearest import MEASURES, Neighbour, Vector, nearest
from job.analysis.similarity.query_image import features_of_image
from job.config import SimilarConfig
from job.errors import IncompatibleBundleError
from job.layout import Layout
from job.output.access import require_features, require_projection
from job.output.delta_engine import DeltaEngine
from job.output.tables import fingerprint_of, read_features
from job.reduction.bundle import Bundle, load_bundle, require_fingerprint
from job.reduction.projection import project
from job.runtime.metrics import DISTANCES_NODE
from job.runtime.progress import RowCounter, Steps

# Of the same features float32 arithmetic on any machine makes components nearer than this.
_SAME = 1e-3


@dataclass(frozen=True)
class Similar:
    """What was found for `image`, nearest first; `label` None also where it is no row here."""

    image: str
    label: str | None
    in_output: bool
    on: str
    measure: str
    neighbours: list[Neighbour]


def find_similar(spark: SparkSession, config: SimilarConfig, steps: Steps) -> Similar:
    """The `config.count` images of an output nearest to one image, which is itself left out.

    Exact: every row is compared, by tasks that each keep `count`; the driver holds as many.
    Raises InputNotFoundError (no such output or image), AccessDeniedError, InvalidValueError (the
    image cannot be decoded), FingerprintMismatchError, IncompatibleBundleError, WeightsError.
    """
    layout = Layout(config.output_path)
    require_features(spark, layout)
    if config.on == schemas.PCA:
        require_projection(spark, layout)
    table = _searched(spark, layout, config.on)
    with steps.step("look up", unit="images"):
        row = table.where(F.col(schemas.PATH) == config.image_path).first()
    if row is not None:
        label, vector = row[schemas.LABEL], np.array(row[config.on], dtype=np.float64)
    else:
        label, vector = None, _outside(spark, config, layout, steps)
    total, done = table.count(), RowCounter(spark, DISTANCES_NODE)
    with steps.step("search", total=total, done=lambda: min(done(), total)):
        found = nearest(table, config.on, vector, config.image_path, config.count)
    return Similar(config.image_path, label, row is not None, config.on, MEASURES[config.on], found)


def _searched(spark: SparkSession, layout: Layout, on: str) -> DataFrame:
    table = (
        read_features(spark, layout)
        if on == schemas.FEATURES
        else spark.read.schema(schemas.PROJECTION_SCHEMA).parquet(layout.projection)
    )
    return table.select(schemas.PATH, schemas.LABEL, on)


def _outside(spark: SparkSession, config: SimilarConfig, layout: Layout, steps: Steps) -> Vector:
    """The vector of an image that is not in the table which is searched."""
    fingerprint = fingerprint_of(DeltaEngine(spark), layout.features) or {}
    bundle = None
    if config.on == schemas.PCA:
        bundle = load_bundle(spark, layout.bundle)
        require_fingerprint(bundle, fingerprint)
        _require_own_projection(spark, layout, bundle)
    with steps.step("featurize", total=1):
        features = features_of_image(spark, config, fingerprint)
    if bundle is None:
        return features
    rows = spark.createDataFrame(
        [(config.image_path, None, features.tolist())],
        "path string, label string, features array<float>",
    )
    return np.array(project(rows, bundle.fit).collect()[0][schemas.PCA], dtype=np.float64)


def _require_own_projection(spark: SparkSession, layout: Layout, bundle: Bundle) -> None:
    """`project --bundle` leaves components of a fit that may not be the one beside them.

    One image that both tables have tells. Raises IncompatibleBundleError.
    """
    projected = _searched(spark, layout, schemas.PCA).limit(1).collect()
    for row in projected:
        same = read_features(spark, layout).where(F.col(schemas.PATH) == row[schemas.PATH])
        for again in project(same, bundle.fit).collect():
            ours, theirs = again[schemas.PCA], row[schemas.PCA]
            if len(ours) != len(theirs) or not np.allclose(ours, theirs, atol=_SAME, rtol=_SAME):
                raise IncompatibleBundleError(
                    f"{layout.projection} was not made by the scaler + PCA in {layout.bundle}",
                    expected="components of one fit",
                    fix="run `image-features fit` with this --output, or search with --on features",
                )
