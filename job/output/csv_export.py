"""The projection, and other rows, as one CSV object."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from job import schemas
from job.runtime import filesystem
from job.runtime.retries import retried


@retried
def write_csv(spark: SparkSession, projection: DataFrame, k: int, path: str, staging: str) -> None:
    """Write path, label, pca_1..pca_k as `write_one_csv` does."""
    # SQL text, because each Column costs calls to the JVM.
    components = [f"{schemas.PCA}[{i}] AS pca_{i + 1}" for i in range(k)]
    rows = projection.selectExpr(schemas.PATH, schemas.LABEL, *components)
    write_one_csv(spark, rows.coalesce(1), path, staging)


def write_one_csv(spark: SparkSession, rows: DataFrame, path: str, staging: str) -> None:
    """Write `rows`, a single partition, as one object: CSV by RFC 4180, in UTF-8, lines end in LF.

    With CRLF, as the RFC has it, Spark would also write CRLF for each newline within a value.
    One task writes under `staging`, and the complete object is moved to `path`: readers never see
    a partial file, and no row passes through the driver.
    """
    (
        rows.write.mode("overwrite").csv(
            staging,
            header=True,
            # RFC 4180: a quote inside quotes is doubled.
            quote='"',
            escape='"',
            lineSep="\n",
            nullValue="",
            emptyValue="",
            # Leading and trailing spaces are part of a name.
            ignoreLeadingWhiteSpace=False,
            ignoreTrailingWhiteSpace=False,
            encoding="UTF-8",
        )
    )
    part = next(name for name in filesystem.names(spark, staging) if name.startswith("part-"))
    filesystem.rename(spark, f"{staging}/{part}", path)
    filesystem.delete(spark, staging)
