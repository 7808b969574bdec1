"""`export --destination` replaces an earlier export, and nothing else."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from job import schemas
from job.cli import main
from job.deploy.local.s3_server import LocalS3Server
from job.layout import Layout
from job.runtime import filesystem

Contents = dict[str, bytes]
ROWS = [("a.jpg", "Apple", [1.0, 2.0]), ("b.jpg", "Banana", [3.0, 4.0])]


@pytest.fixture
def output(spark: SparkSession, tmp_path: Path) -> Path:
    """An output with a projection of two images."""
    return output_in(spark, tmp_path / "results" / "out")


def output_in(spark: SparkSession, folder: Path) -> Path:
    rows = spark.createDataFrame(ROWS, schemas.PROJECTION_SCHEMA)
    rows.coalesce(1).write.parquet(f"{folder}/projection")
    (folder / "features" / "_delta_log").mkdir(parents=True)
    (folder / "final_features.csv").write_text("path,label,pca_1,pca_2\r\n")
    return folder


@pytest.fixture(params=["disk", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A path that does not exist yet, on a disk and in a bucket."""
    if request.param == "disk":
        return str(tmp_path / "copies" / "copy")
    return f"s3a://{request.getfixturevalue('bucket')}/copies/copy"


def export(output: Path, destination: Path | str, file_format: str, *more: str) -> int:
    paths = ["--output", str(output), "--destination", str(destination)]
    return main(["export", *paths, "--format", file_format, *more])


def on_disk(folder: Path) -> Contents:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """Run an export that is refused and changes nothing on the disk; returns its message."""

    def run(output: Path, destination: Path | str, file_format: str) -> str:
        before = on_disk(tmp_path)
        capfd.readouterr()
        assert export(output, destination, file_format) == 2
        lines = [x for x in capfd.readouterr().err.splitlines() if x.startswith("image-features:")]
        (line,) = lines
        assert "expected " in line
        assert "fix: " in line
        assert on_disk(tmp_path) == before
        return line

    return run


Refused = Callable[..., str]


def test_parquet_replaces_an_earlier_export(spark: SparkSession, output: Path, place: str) -> None:
    assert export(output, place, "parquet") == 0
    # The files of a writer that died.
    filesystem.write_bytes(spark, f"{place}/_temporary/0/part-0.parquet", b"PAR")
    filesystem.write_bytes(spark, f"{place}/__magic_job-1/part-0.parquet.pending", b"{}")
    assert export(output, place, "parquet") == 0
    assert sorted(row.path for row in spark.read.parquet(place).collect()) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    "name", ["notes.txt", "part-0.csv", "holiday/a.jpg", "part-0.parquet/a.jpg", ".hidden"]
)
def test_parquet_does_not_replace_a_folder_with_another_file(
    spark: SparkSession, refused: Refused, output: Path, place: str, name: str
) -> None:
    filesystem.write_bytes(spark, f"{place}/{name}", b"mine")
    assert f"holds {name.partition('/')[0]}, which no export wrote" in refused(
        output, place, "parquet"
    )
    assert filesystem.read_bytes(spark, f"{place}/{name}") == b"mine"


def test_parquet_does_not_replace_other_parquet(
    spark: SparkSession, refused: Refused, output: Path, place: str
) -> None:
    spark.range(3).coalesce(1).write.parquet(place)
    assert "holds Parquet that no export wrote" in refused(output, place, "parquet")
    assert spark.read.parquet(place).count() == 3


def test_parquet_does_not_replace_mixed_or_damaged_parquet(
    spark: SparkSession, refused: Refused, output: Path, tmp_path: Path
) -> None:
    mixed, damaged = tmp_path / "mixed", tmp_path / "damaged"
    for folder in (mixed, damaged):
        assert export(output, folder, "parquet") == 0
    spark.range(3).coalesce(1).write.mode("append").parquet(str(mixed))
    (damaged / "part-9.parquet").write_bytes(b"no Parquet")

    assert "holds Parquet that no export wrote" in refused(output, mixed, "parquet")
    assert "holds Parquet that no export wrote" in refused(output, damaged, "parquet")


@pytest.mark.parametrize("file_format", ["parquet", "npy"])
def test_a_folder_does_not_replace_a_file(
    spark: SparkSession, refused: Refused, output: Path, place: str, file_format: str
) -> None:
    filesystem.write_bytes(spark, place, b"mine")
    assert "is a file" in refused(output, place, file_format)
    assert filesystem.read_bytes(spark, place) == b"mine"


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_the_output_and_its_parent_folders_are_not_replaced(
    refused: Refused, output: Path, tmp_path: Path, file_format: str
) -> None:
    (tmp_path / "link").symlink_to(output)
    inside = [output, f"file://{output}/", output / "x", output / "projection", tmp_path / "link"]
    for destination in inside:
        assert "lies in the output" in refused(output, destination, file_format)
    for destination in (output.parent, tmp_path, output / ".." / ".."):
        assert "holds the output" in refused(output, destination, file_format)


def test_results_in_another_output_are_not_replaced(
    spark: SparkSession, refused: Refused, output: Path, tmp_path: Path
) -> None:
    other = output_in(spark, tmp_path / "other")
    (other / "npy").mkdir()
    (other / "npy" / "labels.csv").write_text("path,label\r\n")
    for place, file_format in (
        ("projection", "parquet"),
        ("final_features.csv", "csv"),
        ("npy", "npy"),
    ):
        line = refused(output, other / place, file_format)
        assert f"is a result in the output file://{other}" in line


def test_csv_replaces_an_earlier_export_and_an_empty_file(
    spark: SparkSession, output: Path, place: str
) -> None:
    filesystem.write_bytes(spark, place, b"")
    for _ in range(2):
        assert export(output, place, "csv") == 0
        text = filesystem.read_bytes(spark, place).decode()
        header, *rows = csv.reader(text.splitlines())
        assert header == ["path", "label", "pca_1", "pca_2"]
        assert sorted(rows) == [["a.jpg", "Apple", "1.0", "2.0"], ["b.jpg", "Banana", "3.0", "4.0"]]


def test_csv_does_not_replace_a_folder_or_another_file(
    spark: SparkSession, refused: Refused, output: Path, place: str
) -> None:
    filesystem.write_bytes(spark, f"{place}/a.jpg", b"\xff\xd8\xff")
    assert "is a folder" in refused(output, place, "csv")
    assert "is a file that no export wrote" in refused(output, f"{place}/a.jpg", "csv")
    assert filesystem.read_bytes(spark, f"{place}/a.jpg") == b"\xff\xd8\xff"


def test_an_array_replaces_only_its_two_files(
    spark: SparkSession, output: Path, place: str
) -> None:
    filesystem.write_bytes(spark, f"{place}/a.jpg", b"mine")
    for _ in range(2):
        assert export(output, place, "npy") == 0
    # A writer died between its two files.
    filesystem.delete(spark, f"{place}/features.npy")
    assert export(output, place, "npy") == 0
    assert filesystem.names(spark, place) == ["a.jpg", "features.npy", "labels.csv"]
    assert filesystem.read_bytes(spark, f"{place}/a.jpg") == b"mine"


def test_an_array_may_go_to_the_parent_of_the_output_and_to_its_folder_in_it(output: Path) -> None:
    for folder in (output.parent, output / "npy"):
        for _ in range(2):
            assert export(output, folder, "npy") == 0
        assert np.load(folder / "features.npy").shape == (2, 2)


@pytest.mark.parametrize("name", ["features.npy", "labels.csv"])
def test_an_array_does_not_replace_other_files(
    spark: SparkSession, refused: Refused, output: Path, place: str, name: str
) -> None:
    filesystem.write_bytes(spark, f"{place}/{name}", b"mine")
    assert f"holds {name}, which" in refused(output, place, "npy")
    assert filesystem.read_bytes(spark, f"{place}/{name}") == b"mine"


@pytest.mark.parametrize("file_format", ["parquet", "csv", "npy"])
def test_an_export_into_the_input_is_refused(
    refused: Refused, output: Path, tmp_path: Path, file_format: str
) -> None:
    images = {"input_path": f"file://{tmp_path}/images", "glob": "**"}
    for name, settings in (("1", {"images": images}), ("2", {"featurize": {"images": images}})):
        run = Path(Layout(str(output)).summary(name))
        run.parent.mkdir(exist_ok=True)
        summary = {"run_id": name, "command": "run", "input_path": images["input_path"]}
        about = {"output_path": str(output), "started": name, "counts": {}, "settings": settings}
        run.write_text(json.dumps(summary | about))
        line = refused(output, tmp_path / "images" / "copy", file_format)
        assert f"lies in the input file://{tmp_path}/images" in line


def test_a_name_that_spark_reads_as_a_glob_is_refused_only_for_parquet(
    refused: Refused, output: Path, tmp_path: Path
) -> None:
    assert "--destination" in refused(output, tmp_path / "copy[1]", "parquet")
    for file_format in ("csv", "npy"):
        assert export(output, tmp_path / f"{file_format}[1]", file_format) == 0
    assert (tmp_path / "csv[1]").read_text().startswith("path,label")
    assert (tmp_path / "npy[1]" / "features.npy").is_file()


def test_the_message_names_a_missing_bucket(
    output: Path, s3: LocalS3Server, capfd: pytest.CaptureFixture[str]
) -> None:
    assert export(output, "s3a://no-such-bucket-here/x", "parquet") == 3
    assert "no-such-bucket-here" in capfd.readouterr().err


def test_parquet_without_a_destination_is_refused_before_any_write(output: Path) -> None:
    shutil.rmtree(output / "features")
    before = on_disk(output)
    assert main(["export", "--output", str(output), "--format", "parquet"]) == 2
    assert on_disk(output) == before
