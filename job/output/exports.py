"""Plain files for other programs: Parquet, and the projection as one CSV object."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from job import schemas
from job.output.file_sizing import file_count
from job.runtime import filesystem
from job.runtime.retries import retried
from job.runtime.session import task_slots


@retried
def write_parquet(images: DataFrame, rows: int, path: str) -> None:
    """Write `images`, so many rows, as plain Parquet, replacing what `path` held."""
    files_at_once = file_count(rows, task_slots(images.sparkSession))
    images.coalesce(files_at_once).write.mode("overwrite").parquet(path)


@retried
def write_csv(spark: SparkSession, projection: DataFrame, k: int, path: str, staging: str) -> None:
    """Write path, label, pca_1..pca_k as `write_one_csv` does."""
    # As text: each Column would cost calls to the JVM.
    components = [f"{schemas.PCA}[{i}] AS pca_{i + 1}" for i in range(k)]
    rows = projection.selectExpr(schemas.PATH, schemas.LABEL, *components)
    write_one_csv(spark, rows.coalesce(1), path, staging)


def write_one_csv(spark: SparkSession, rows: DataFrame, path: str, staging: str) -> None:
    """Write `rows`, which is one partition, as one RFC 4180 object in UTF-8, by one task.

    The task writes under `staging`, the finished object is moved to `path`: a reader of `path`
    never sees half a file, and no row passes through the driver.
    """
    (
        rows.write.mode("overwrite").csv(
            staging,
            header=True,
            # RFC 4180: a quote inside quotes is doubled, lines end with CRLF.
            quote='"',
            escape='"',
            lineSep="\r\n",
            nullValue="",
            emptyValue="",
            # Spaces at the ends of a name belong to the name.
            ignoreLeadingWhiteSpace=False,
            ignoreTrailingWhiteSpace=False,
            encoding="UTF-8",
        )
    )
    part = next(name for name in filesystem.names(spark, staging) if name.startswith("part-"))
    filesystem.rename(spark, f"{staging}/{part}", path)
    filesystem.delete(spark, staging)
