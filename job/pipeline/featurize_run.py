"""What all steps of one `featurize` share, and rows in its staging folder."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from job.config import FeaturizeConfig
from job.features.worker import WorkerSpec
from job.images.s3a_config import StoreSettings
from job.output.tables import Tables
from job.runtime.progress import Steps
from job.runtime.retries import retried


@dataclass(frozen=True)
class Staged:
    """Rows in the staging folder, and their number."""

    rows: DataFrame
    count: int


@dataclass(frozen=True)
class FeaturizeRun:
    """The inputs that all steps of one `featurize` share.

    `exists` says whether the output has a features table. Hadoop lists the input if `lister` is
    None, and Spark's binaryFile reads the images if `worker.store` is None.
    """

    spark: SparkSession
    config: FeaturizeConfig
    tables: Tables
    exists: bool
    fingerprint: dict[str, object]
    worker: WorkerSpec
    lister: StoreSettings | None
    steps: Steps

    @property
    def reuses(self) -> bool:
        """Whether rows of earlier runs stay."""
        return self.exists and not self.config.refeaturize

    @property
    def drops(self) -> bool:
        """Whether the rows of deleted images are dropped."""
        return self.exists and (self.config.refeaturize or not self.config.keep_deleted)

    @property
    def outcome(self) -> str:
        """The folder with the outcomes of this run, one folder per batch."""
        return f"{self.tables.staging}/outcomes"

    @retried
    def stage(self, name: str, rows: DataFrame, *partition_cols: str) -> Staged:
        """Write `rows` once under the staging folder, and read them back.

        Without `partition_cols` they are written as few large files: the commit and each read of
        a file take a dozen sequential requests.
        """
        path = f"{self.tables.staging}/{name}"
        balanced = rows if partition_cols else rows.hint("rebalance")
        # Count the rows while they are written: a count afterwards is one more job.
        written = Observation()
        observed = balanced.observe(written, F.count(F.lit(1)).alias("rows"))
        observed.write.mode("overwrite").partitionBy(*partition_cols).parquet(path)
        staged = self.spark.read.schema(rows.schema).parquet(path)
        return Staged(staged, int(written.get["rows"]))


@retried
def count_rows(rows: DataFrame) -> int:
    """The number of rows."""
    return rows.count()
