"""k-means of the projection: assignments, model and figures under clusters/.

clusters/assignments/    Parquet: path, label, cluster
clusters/model/          the KMeansModel, as Spark ML writes it
clusters/sample.json     some images on their first two components, for the report
clusters/result.json     all figures; written last, so that it is of all the others
"""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark import StorageLevel
from pyspark.ml.clustering import KMeans, KMeansModel
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.analysis.clustering.agreement import (
    Cell,
    adjusted_rand_index,
    main_clusters,
    normalized_mutual_information,
)
from job.analysis.clustering.result import RESULT, ClusterResult
from job.analysis.clustering.sample import SAMPLE, sample_of
from job.config import ClusterConfig
from job.errors import InvalidValueError
from job.output.exports import write_parquet
from job.output.summary import Summary
from job.runtime import filesystem
from job.runtime.retries import retried

_VECTOR = "pca_vector"


@retried
def cluster(
    projection: DataFrame, config: ClusterConfig, path: str, summary: Summary
) -> ClusterResult:
    """Cluster the rows of `projection` (PROJECTION_SCHEMA) and write all of it under `path`.

    Lloyd's algorithm from k-means|| centres (Bahmani and others, "Scalable k-means++", VLDB 2012),
    as Spark ML has it; of several starts the one with the least sum of squares. Raises
    InvalidValueError for fewer images than clusters, or where no number is given and there are
    fewer than two labels.
    """
    spark, images = projection.sparkSession, projection.count()
    clusters = _cluster_count(projection, images, config)
    vectors = projection.withColumn(_VECTOR, array_to_vector(F.col(schemas.PCA)))
    model = _best(vectors, clusters, config)
    assigned = model.transform(vectors)
    filesystem.delete(spark, f"{path}/{RESULT}")
    write_parquet(assigned.select(*schemas.ASSIGNMENTS_SCHEMA.names), images, _assignments(path))
    _save_model(spark, model, f"{path}/model")
    sample = sample_of(assigned, images)
    filesystem.write_bytes(spark, f"{path}/{SAMPLE}", sample.to_json().encode())
    cells = _contingency(read_assignments(spark, path))
    result = _result(model, assigned, cells, clusters, config, summary)
    filesystem.write_bytes(spark, f"{path}/{RESULT}", result.to_json().encode())
    return result


def read_assignments(spark: SparkSession, path: str) -> DataFrame:
    """ASSIGNMENTS_SCHEMA of the clustering under `path`."""
    return spark.read.schema(schemas.ASSIGNMENTS_SCHEMA).parquet(_assignments(path))


def _assignments(path: str) -> str:
    return f"{path}/assignments"


def _cluster_count(projection: DataFrame, images: int, config: ClusterConfig) -> int:
    clusters = _label_count(projection) if config.clusters is None else config.clusters
    if images < clusters:
        raise InvalidValueError(
            f"--clusters is {clusters}, but {images:,} images are projected",
            expected="at most as many as there are images",
            fix=f"set --clusters to {images} or less",
        )
    return clusters


def _label_count(projection: DataFrame) -> int:
    labels = projection.select(schemas.LABEL).where(F.col(schemas.LABEL).isNotNull())
    found = labels.distinct().count()
    if found < 2:
        raise InvalidValueError(
            f"the images have {found} labels, so --clusters cannot be as many",
            expected="a number of clusters",
            fix="set --clusters to 2 or more",
        )
    return found


def _best(vectors: DataFrame, clusters: int, config: ClusterConfig) -> KMeansModel:
    """The model with the least sum of squares; one start alone often ends far above it."""
    kmeans = KMeans(featuresCol=_VECTOR, predictionCol=schemas.CLUSTER, k=clusters)
    rows = vectors.select(_VECTOR).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        seeds = range(config.seed, config.seed + config.restarts)
        models = (kmeans.setSeed(seed).fit(rows) for seed in seeds)
        return min(models, key=lambda model: float(model.summary.trainingCost))
    finally:
        rows.unpersist()


def _save_model(spark: SparkSession, model: KMeansModel, path: str) -> None:
    filesystem.delete(spark, path)
    model.write().save(path)


def _contingency(assignments: DataFrame) -> list[Cell]:
    """As many rows as pairs of label and cluster, not as images."""
    rows = assignments.groupBy(schemas.LABEL, schemas.CLUSTER).count().collect()
    cells = [Cell(row[schemas.LABEL], row[schemas.CLUSTER], row["count"]) for row in rows]
    return sorted(cells, key=lambda each: (each.label is None, each.label or "", each.cluster))


def _result(
    model: KMeansModel,
    assigned: DataFrame,
    cells: list[Cell],
    clusters: int,
    config: ClusterConfig,
    summary: Summary,
) -> ClusterResult:
    found = len({each.cluster for each in cells})
    return ClusterResult(
        run_id=summary.run_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        images=sum(each.images for each in cells),
        components=len(model.clusterCenters()[0]),
        clusters=clusters,
        clusters_found=found,
        seed=config.seed,
        starts=config.restarts,
        silhouette=_silhouette(assigned) if found > 1 else None,
        adjusted_rand_index=adjusted_rand_index(cells),
        normalized_mutual_information=normalized_mutual_information(cells),
        sum_of_squares=model.summary.trainingCost,
        labels=main_clusters(cells),
        contingency=cells,
        fingerprint=summary.fingerprint,
        versions=summary.versions,
    )


def _silhouette(assigned: DataFrame) -> float:
    """The mean over all images, by squared Euclidean distance, in one pass over them."""
    evaluator = ClusteringEvaluator(featuresCol=_VECTOR, predictionCol=schemas.CLUSTER)
    return float(evaluator.evaluate(assigned))
