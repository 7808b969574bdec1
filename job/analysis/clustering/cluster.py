"""Clusters the projection with k-means, and writes the results under clusters/.

clusters/assignments/    Parquet: path, label, cluster
clusters/model/          the KMeansModel, as Spark ML writes it
clusters/sample.json     a sample of images on their first two components, for the report
clusters/result.json     all measures; written last, so that it matches the other files
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
from job.analysis.clustering.sample import SAMPLE, sample_clusters
from job.config import ClusterConfig
from job.errors import InvalidValueError
from job.output.parquet_export import write_parquet
from job.output.summary import Summary
from job.runtime import filesystem
from job.runtime.formatting import pluralize
from job.runtime.retries import retried

_VECTOR = "pca_vector"


@retried
def cluster(
    projection: DataFrame, config: ClusterConfig, path: str, summary: Summary
) -> ClusterResult:
    """Cluster the rows of `projection` (PROJECTION_SCHEMA) and write the results under `path`.

    Spark ML's k-means: Lloyd's algorithm with k-means|| initialization (Bahmani et al., "Scalable
    k-means++", VLDB 2012); keeps the restart with the smallest sum of squares. Raises
    InvalidValueError for fewer images than clusters, and for fewer than two labels if
    `config.clusters` is None.
    """
    spark, images = projection.sparkSession, projection.count()
    clusters = _cluster_count(projection, images, config)
    vectors = projection.withColumn(_VECTOR, array_to_vector(F.col(schemas.PCA)))
    model = _fit_best(vectors, clusters, config)
    clustered = model.transform(vectors)
    filesystem.delete(spark, f"{path}/{RESULT}")
    assignments = clustered.select(*schemas.ASSIGNMENTS_SCHEMA.names)
    write_parquet(assignments, images, _assignments_path(path))
    _save_model(spark, model, f"{path}/model")
    sample = sample_clusters(clustered, images)
    filesystem.write_bytes(spark, f"{path}/{SAMPLE}", sample.to_json().encode())
    cells = _count_cells(read_assignments(spark, path))
    result = _build_result(model, clustered, cells, clusters, config, summary)
    filesystem.write_bytes(spark, f"{path}/{RESULT}", result.to_json().encode())
    return result


def read_assignments(spark: SparkSession, path: str) -> DataFrame:
    """The assignments (ASSIGNMENTS_SCHEMA) of the clustering under `path`."""
    return spark.read.schema(schemas.ASSIGNMENTS_SCHEMA).parquet(_assignments_path(path))


def _assignments_path(path: str) -> str:
    return f"{path}/assignments"


def _cluster_count(projection: DataFrame, images: int, config: ClusterConfig) -> int:
    clusters = _label_count(projection) if config.clusters is None else config.clusters
    if images < clusters:
        raise InvalidValueError(
            f"--clusters is {clusters}, but {images:,} images are projected",
            expected="at most the number of images",
            fix=f"set --clusters to {images} or less",
        )
    return clusters


def _label_count(projection: DataFrame) -> int:
    labels = projection.select(schemas.LABEL).where(F.col(schemas.LABEL).isNotNull())
    count = labels.distinct().count()
    if count < 2:
        raise InvalidValueError(
            f"the images have {pluralize(count, 'label')}, too few for a default of --clusters",
            expected="a number of clusters",
            fix="set --clusters to 2 or more",
        )
    return count


def _fit_best(vectors: DataFrame, clusters: int, config: ClusterConfig) -> KMeansModel:
    """The model with the smallest sum of squares; a single start is often far from it."""
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


def _count_cells(assignments: DataFrame) -> list[Cell]:
    """The contingency table: its size grows with pairs of label and cluster, not with images."""
    rows = assignments.groupBy(schemas.LABEL, schemas.CLUSTER).count().collect()
    cells = [Cell(row[schemas.LABEL], row[schemas.CLUSTER], row["count"]) for row in rows]
    return sorted(cells, key=lambda cell: (cell.label is None, cell.label or "", cell.cluster))


def _build_result(
    model: KMeansModel,
    clustered: DataFrame,
    cells: list[Cell],
    clusters: int,
    config: ClusterConfig,
    summary: Summary,
) -> ClusterResult:
    clusters_found = len({cell.cluster for cell in cells})
    return ClusterResult(
        run_id=summary.run_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        images=sum(cell.images for cell in cells),
        components=len(model.clusterCenters()[0]),
        clusters=clusters,
        clusters_found=clusters_found,
        seed=config.seed,
        starts=config.restarts,
        silhouette=_silhouette(clustered) if clusters_found > 1 else None,
        adjusted_rand_index=adjusted_rand_index(cells),
        normalized_mutual_information=normalized_mutual_information(cells),
        sum_of_squares=model.summary.trainingCost,
        labels=main_clusters(cells),
        contingency=cells,
        fingerprint=summary.fingerprint,
        versions=summary.versions,
    )


def _silhouette(clustered: DataFrame) -> float:
    """The mean silhouette of all images by squared Euclidean distance, in one pass."""
    evaluator = ClusteringEvaluator(featuresCol=_VECTOR, predictionCol=schemas.CLUSTER)
    return float(evaluator.evaluate(clustered))
