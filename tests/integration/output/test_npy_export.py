"""`export --format npy` writes a NumPy array and the labels of its rows."""

from __future__ import annotations

import csv
import io
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from job.cli import main
from job.errors import AccountingError
from job.output.npy_export import ExportProgress, write_arrays
from job.runtime import filesystem
from tests.integration.conftest import Fruits

DOCS = Path(__file__).parents[3] / "docs"
ROWS = "path string, label string, features array<float>"
AWKWARD = ['a "quoted", label', "two\nlines", None, "", "果 ü", " spaces "]


def names_in(text: str) -> list[list[str]]:
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["path", "label"]
    return rows


@pytest.mark.slow
def test_features_are_rows_of_an_array_that_numpy_can_memory_map(
    spark: SparkSession, fruits: Fruits, tmp_path: Path
) -> None:
    export = ["export", "--output", str(fruits.output), "--format", "npy", "--on", "features"]
    assert main([*export, "--destination", str(tmp_path / "npy")]) == 0

    array = np.load(tmp_path / "npy" / "features.npy", mmap_mode="r", allow_pickle=False)
    assert isinstance(array, np.memmap)
    assert (array.shape, array.dtype, array.flags.c_contiguous) == ((40, 1280), np.float32, True)
    names = names_in((tmp_path / "npy" / "labels.csv").read_bytes().decode())
    table = spark.read.format("delta").load(str(fruits.output / "features")).collect()
    rows = {row.path: row for row in table}
    assert [label for _, label in names] == [rows[path].label for path, _ in names]
    np.testing.assert_array_equal(array, [rows[path].features for path, _ in names])
    assert len(rows) == len(names)


@pytest.mark.slow
def test_the_projection_can_be_exported_to_a_bucket(
    spark: SparkSession, fruits: Fruits, bucket: str
) -> None:
    folder = f"s3a://{bucket}/npy"
    export = ["export", "--output", str(fruits.output), "--format", "npy"]
    assert main([*export, "--destination", folder]) == 0

    array = np.load(io.BytesIO(filesystem.read_bytes(spark, f"{folder}/features.npy")))
    names = names_in(filesystem.read_bytes(spark, f"{folder}/labels.csv").decode())
    rows = {
        row.path: row for row in spark.read.parquet(str(fruits.output / "projection")).collect()
    }
    np.testing.assert_array_equal(array, [rows[path].pca for path, _ in names])
    assert filesystem.names(spark, folder) == ["features.npy", "labels.csv"]


def test_rows_keep_their_order_and_names_are_quoted(spark: SparkSession, tmp_path: Path) -> None:
    images = [(f"path {n}", AWKWARD[n % 6], [float(n), 0.5]) for n in range(1000)]
    table = spark.createDataFrame(images, ROWS).repartition(3)
    progress = ExportProgress()
    write_arrays(table, "features", (1000, 2), str(tmp_path), progress)

    array = np.load(tmp_path / "features.npy")
    names = names_in((tmp_path / "labels.csv").read_bytes().decode())
    assert progress.rows == len(names) == len({path for path, _ in names}) == 1000
    assert [f"path {row[0]:.0f}" for row in array] == [path for path, _ in names]
    assert [AWKWARD[int(row[0]) % 6] or "" for row in array] == [label for _, label in names]


def test_without_images_the_array_has_no_rows(spark: SparkSession, tmp_path: Path) -> None:
    write_arrays(
        spark.createDataFrame([], ROWS), "features", (0, 0), str(tmp_path), ExportProgress()
    )
    assert np.load(tmp_path / "features.npy").shape == (0, 0)
    assert names_in((tmp_path / "labels.csv").read_text()) == []


def test_a_failed_export_leaves_the_existing_files(spark: SparkSession, tmp_path: Path) -> None:
    table = spark.createDataFrame([("a", None, [1.0])], ROWS)
    write_arrays(table, "features", (1, 1), str(tmp_path), ExportProgress())
    with pytest.raises(AccountingError, match="2 rows were counted and 1 read"):
        write_arrays(table, "features", (2, 1), str(tmp_path), ExportProgress())

    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.npy", "labels.csv"]
    assert np.load(tmp_path / "features.npy").shape == (1, 1)


@pytest.mark.slow
def test_the_example_in_the_docs_reads_the_array_with_scikit_learn(
    spark: SparkSession, fruits: Fruits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = ["export", "--output", str(fruits.output), "--format", "npy"]
    assert main([*export, "--destination", str(tmp_path / "npy")]) == 0
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(snippet("scikit-learn"), names)
    assert names["images"].shape[0] == len(names["labels"]) == 40
    assert float(names["scores"].mean()) > 0.8


def snippet(first_comment: str) -> str:
    """The code in docs/outputs.md that begins with this comment."""
    page = (DOCS / "outputs.md").read_text(encoding="utf-8")
    _, _, rest = page.partition(f"    # {first_comment}\n")
    lines = []
    for line in rest.splitlines():
        if line.strip() and not line.startswith("    "):
            break
        lines.append(line)
    return textwrap.dedent("\n".join(lines))
