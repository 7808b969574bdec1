"""`image-features similar`: finds the images of an output nearest to a query image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.analysis.similarity.nearest import MEASURES, Neighbour, Vector, find_nearest
from job.analysis.similarity.query_image import featurize_image
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

# Components of the same features differ by less than this between machines (float32 arithmetic).
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class SimilarImages:
    """The neighbours of `image`, nearest first; `label` is None if it is not in the output."""

    image: str
    label: str | None
    in_output: bool
    on: str
    measure: str
    neighbours: list[Neighbour]


def find_similar(spark: SparkSession, config: SimilarConfig, steps: Steps) -> SimilarImages:
    """The `config.count` images of an output nearest to one image, which is excluded.

    Exact: compares all rows; each task and the driver hold `count` rows. Raises InputNotFoundError
    (no such output or image), AccessDeniedError, InvalidValueError (the image cannot be decoded),
    FingerprintMismatchError, IncompatibleBundleError, WeightsError.
    """
    layout = Layout(config.output_path)
    require_features(spark, layout)
    if config.on == schemas.PCA:
        require_projection(spark, layout)
    table = _read_table(spark, layout, config.on)
    with steps.step("look up", unit="images"):
        row = table.where(F.col(schemas.PATH) == config.image_path).first()
    if row is not None:
        label, vector = row[schemas.LABEL], np.array(row[config.on], dtype=np.float64)
    else:
        label, vector = None, _featurize_query(spark, config, layout, steps)
    total, done = table.count(), RowCounter(spark, DISTANCES_NODE)
    with steps.step("search", total=total, done=lambda: min(done(), total)):
        neighbours = find_nearest(table, config.on, vector, config.image_path, config.count)
    return SimilarImages(
        image=config.image_path,
        label=label,
        in_output=row is not None,
        on=config.on,
        measure=MEASURES[config.on],
        neighbours=neighbours,
    )


def _read_table(spark: SparkSession, layout: Layout, on: str) -> DataFrame:
    table = (
        read_features(spark, layout)
        if on == schemas.FEATURES
        else spark.read.schema(schemas.PROJECTION_SCHEMA).parquet(layout.projection)
    )
    return table.select(schemas.PATH, schemas.LABEL, on)


def _featurize_query(
    spark: SparkSession, config: SimilarConfig, layout: Layout, steps: Steps
) -> Vector:
    """The features or components of an image that is not in the output."""
    fingerprint = fingerprint_of(DeltaEngine(spark), layout.features) or {}
    bundle = None
    if config.on == schemas.PCA:
        bundle = load_bundle(spark, layout.bundle)
        require_fingerprint(bundle, fingerprint)
        _require_matching_projection(spark, layout, bundle)
    with steps.step("featurize", total=1):
        features = featurize_image(spark, config, fingerprint)
    if bundle is None:
        return features
    rows = spark.createDataFrame(
        [(config.image_path, None, features.tolist())],
        "path string, label string, features array<float>",
    )
    return np.array(project(rows, bundle.fit).collect()[0][schemas.PCA], dtype=np.float64)


def _require_matching_projection(spark: SparkSession, layout: Layout, bundle: Bundle) -> None:
    """Raise IncompatibleBundleError if the projection was not computed with `bundle`.

    After `project --bundle`, the output may have another fit. One image is enough to check.
    """
    projected = _read_table(spark, layout, schemas.PCA).limit(1).collect()
    for row in projected:
        same_image = read_features(spark, layout).where(F.col(schemas.PATH) == row[schemas.PATH])
        for computed in project(same_image, bundle.fit).collect():
            if not _all_close(computed[schemas.PCA], row[schemas.PCA]):
                raise IncompatibleBundleError(
                    f"{layout.projection} was not made by the scaler + PCA in {layout.bundle}",
                    expected="components of one fit",
                    fix="run `image-features fit` with this --output, or search with --on features",
                )


def _all_close(computed: Sequence[float], stored: Sequence[float]) -> bool:
    return len(computed) == len(stored) and np.allclose(
        computed, stored, atol=_TOLERANCE, rtol=_TOLERANCE
    )
