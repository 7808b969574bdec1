"""`make bench-fit`: scaler + PCA in one pass against Spark ML's own.

Both in one session on the same Parquet files of random features: Spark ML from these files, as
ours, and again with its vectors cached beforehand, so that its time is that of the two `fit` alone.
Then ours from the moments that a run keeps beside its model.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.ml.feature import PCA, PCAModel, StandardScaler
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job.output.file_sizing import file_count
from job.reduction.moments import Moments, compute_moments
from job.reduction.pca import Fit, fit
from job.runtime.session import spark_session

T = TypeVar("T")

CORES = 2
MASTER = f"local[{CORES}]"
SETTINGS = {
    "spark.driver.memory": "4g",
    # Java as Spark starts it: with the first compiler only, ours on one machine, Spark ML's
    # arithmetic would be many times slower.
    "spark.driver.defaultJavaOptions": "-XX:+UseG1GC",
}


@click.command(help=__doc__)
@click.option("--rows", default=67_692, show_default=True)
@click.option("--columns", default=1280, show_default=True)
@click.option("--components", default=100, show_default=True, help="k, for both.")
@click.option("--repeats", default=3, show_default=True, help="Of ours; each is printed.")
def main(rows: int, columns: int, components: int, repeats: int) -> None:
    """Print the seconds of both, their ratio, and how far their components lie apart."""
    spark = spark_session("fit benchmark", SETTINGS, master=MASTER)
    with tempfile.TemporaryDirectory(prefix="image-features-fit-") as folder:
        features = random_features(spark, Path(folder), rows, columns)
        _our_fit(features.limit(10), 2)  # starts the Python workers
        ours = [timed(lambda: _our_fit(features, components)) for _ in range(repeats)]
        again = _from_kept(compute_moments(features), Path(folder) / "moments.npz", components)
        from_files, _ = timed(lambda: _spark_ml_fit(_vectors(features), components))
        vectors = _vectors(features).cache()
        vectors.count()
        cached, theirs = timed(lambda: _spark_ml_fit(vectors, components))
    seconds = sorted(taken for taken, _ in ours)[len(ours) // 2]
    click.echo(f"{rows:,} x {columns:,} float32, {MASTER}")
    click.echo(f"one pass           {', '.join(f'{taken:.2f}' for taken, _ in ours)} s")
    click.echo(f"from kept moments  {again[0]:.2f} s")
    for source, taken in (("from the files", from_files), ("cached vectors", cached)):
        click.echo(
            f"Spark ML, {source}  {taken:.2f} s: {taken / seconds:.1f} times the median of ours"
        )
    difference = _difference(ours[0][1], theirs)
    click.echo(f"largest difference of a component from Spark ML's  {difference:.1e}")
    spark.stop()


def _from_kept(moments: Moments, file: Path, components: int) -> tuple[float, Fit]:
    """A fit without any row: the kept file is read, and decomposed."""
    file.write_bytes(moments.to_bytes())
    return timed(lambda: fit(Moments.from_bytes(file.read_bytes()), components=components))


def _our_fit(features: DataFrame, components: int) -> Fit:
    return fit(compute_moments(features), components=components)


def _vectors(features: DataFrame) -> DataFrame:
    return features.select(array_to_vector(F.col("features")).alias("raw"))


def _spark_ml_fit(vectors: DataFrame, components: int) -> PCAModel:
    scaler = StandardScaler(withMean=True, withStd=True, inputCol="raw", outputCol="scaled")
    scaled = scaler.fit(vectors).transform(vectors)
    return PCA(k=components, inputCol="scaled", outputCol="pca").fit(scaled)


def _difference(ours: Fit, theirs: PCAModel) -> float:
    pc = theirs.pc.toArray()
    return float(np.abs(np.abs(ours.components) - np.abs(pc)).max())


def random_features(spark: SparkSession, folder: Path, rows: int, columns: int) -> DataFrame:
    """Correlated rows, clipped at 0 and 6 as the network's are, in files as the job writes them."""
    for number, block in enumerate(_blocks(rows, columns)):
        lists = pa.FixedSizeListArray.from_arrays(block.ravel(), columns).cast(
            pa.list_(pa.float32())
        )
        pq.write_table(pa.table({"features": lists}), folder / f"{number:04d}.parquet")
    return spark.read.parquet(str(folder))


def _blocks(rows: int, columns: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(64, columns)).astype(np.float32) / 8
    for count in map(len, np.array_split(np.arange(rows), file_count(rows, CORES))):
        hidden = rng.normal(size=(count, 64)).astype(np.float32)
        noise = rng.normal(size=(count, columns), scale=0.3).astype(np.float32)
        yield (hidden @ mixing + noise + 0.5).clip(0, 6)


def timed(step: Callable[[], T]) -> tuple[float, T]:
    """The seconds of a step, and what it returns."""
    started = time.perf_counter()
    result = step()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main()
