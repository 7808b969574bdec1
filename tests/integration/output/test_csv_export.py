"""The CSV of the projection: each name and number comes back as it was."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from job.output.csv_export import write_csv

NAMES = [
    "plain",
    "a\nb",
    "a\r\nb",
    "a\rb",
    "\n",
    'quo"ted',
    '"',
    "a,b",
    " spaces ",
    "\ttab\t",
    "=1+1",
    "@SUM(A1)",
    "#comment",
    "007",
    "NA",
    "é/😀",
]
ROWS = "path string, label string, pca array<float>"


def test_names_and_numbers_come_back_from_the_csv(spark: SparkSession, tmp_path: Path) -> None:
    rows = [(f"{name}.jpg", name, [n / 3, -1e-7 * n]) for n, name in enumerate(NAMES)]
    rows.append(("no label", None, [1e30, 0.0]))
    path = tmp_path / "final_features.csv"
    write_csv(spark, spark.createDataFrame(rows, ROWS), 2, str(path), str(tmp_path / "staging"))

    text = path.read_bytes().decode()
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    assert header == ["path", "label", "pca_1", "pca_2"]
    assert [(line[0], line[1] or None) for line in lines] == [row[:2] for row in rows]
    numbers = np.array([line[2:] for line in lines], np.float32)
    np.testing.assert_array_equal(numbers, np.array([row[2] for row in rows], np.float32))

    table = pd.read_csv(path, dtype={"path": str, "label": str}, keep_default_na=False)
    assert list(table["path"]) == [row[0] for row in rows]
    assert list(table["label"]) == [row[1] or "" for row in rows]
    assert not list(tmp_path.glob("staging*"))
