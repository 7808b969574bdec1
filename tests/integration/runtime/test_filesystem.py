"""Whole files through Hadoop: reading, replacing, listing, moving and deleting."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from job.runtime import filesystem


@pytest.fixture(params=["local", "s3a"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty folder, on the local disk or in a bucket."""
    if request.param == "local":
        return str(tmp_path)
    return f"s3a://{request.getfixturevalue('bucket')}/folder"


def test_a_file_has_the_bytes_that_were_written(spark: SparkSession, folder: str) -> None:
    data = bytes(range(256)) * 8000
    path = f"{folder}/a folder/ü 100%.bin"
    filesystem.write_bytes(spark, path, data)

    assert filesystem.read_bytes(spark, path) == data
    assert filesystem.names(spark, f"{folder}/a folder") == ["ü 100%.bin"]


def test_a_read_can_be_limited_to_the_first_bytes(spark: SparkSession, folder: str) -> None:
    filesystem.write_bytes(spark, f"{folder}/a", b"0123456789")

    assert filesystem.read_bytes(spark, f"{folder}/a", max_bytes=4) == b"0123"
    assert filesystem.read_bytes(spark, f"{folder}/a", max_bytes=40) == b"0123456789"


def test_the_size_of_a_folder_is_that_of_its_files(spark: SparkSession, folder: str) -> None:
    filesystem.write_bytes(spark, f"{folder}/table/a", b"01234")
    filesystem.write_bytes(spark, f"{folder}/table/deep/b", b"0123456")

    assert filesystem.size(spark, f"{folder}/table") == 12
    assert filesystem.size(spark, f"{folder}/table/a") == 5
    with pytest.raises(FileNotFoundError):
        filesystem.size(spark, f"{folder}/none")


def test_a_local_path_may_be_a_file_url(spark: SparkSession, tmp_path: Path) -> None:
    filesystem.write_bytes(spark, f"file://{tmp_path}/a", b"x")

    assert (tmp_path / "a").read_bytes() == b"x"


def test_writing_replaces_an_existing_file(spark: SparkSession, folder: str) -> None:
    path = f"{folder}/summary.json"
    filesystem.write_bytes(spark, path, b"a long first content")
    filesystem.write_bytes(spark, path, b"second")

    assert filesystem.read_bytes(spark, path) == b"second"


def test_writing_without_overwrite_keeps_an_existing_file(spark: SparkSession, folder: str) -> None:
    path = f"{folder}/summary.json"
    filesystem.write_bytes(spark, path, b"first", overwrite=False)

    with pytest.raises(FileExistsError):
        filesystem.write_bytes(spark, path, b"second", overwrite=False)
    assert filesystem.read_bytes(spark, path) == b"first"


def test_the_checksum_of_an_earlier_content_is_ignored(spark: SparkSession, tmp_path: Path) -> None:
    path = f"{tmp_path}/out.csv"
    spark.createDataFrame([("old",)], "a string").coalesce(1).write.text(f"{tmp_path}/part")
    part = next(
        name for name in filesystem.names(spark, f"{tmp_path}/part") if name.startswith("part-")
    )
    filesystem.rename(spark, f"{tmp_path}/part/{part}", path)
    filesystem.write_bytes(spark, path, b"new\n")

    assert filesystem.read_bytes(spark, path) == b"new\n"
    assert spark.read.text(path).first().value == "new"


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_reading_a_folder_or_a_missing_file_fails(
    spark: SparkSession, folder: str, what: str
) -> None:
    filesystem.write_bytes(spark, f"{folder}/folder/file", b"x")

    with pytest.raises(FileNotFoundError):
        filesystem.read_bytes(spark, f"{folder}/{what}")


def test_moving_replaces_the_file_at_the_destination(spark: SparkSession, folder: str) -> None:
    filesystem.write_bytes(spark, f"{folder}/new", b"new")
    filesystem.write_bytes(spark, f"{folder}/old", b"old")
    filesystem.rename(spark, f"{folder}/new", f"{folder}/old")

    assert filesystem.names(spark, folder) == ["old"]
    assert filesystem.read_bytes(spark, f"{folder}/old") == b"new"


def test_a_file_moves_between_a_disk_and_a_bucket(
    spark: SparkSession, tmp_path: Path, bucket: str
) -> None:
    here, there = str(tmp_path / "folder"), f"s3a://{bucket}/folder"
    for source, destination in ((here, there), (there, here)):
        filesystem.write_bytes(spark, f"{source}/new", b"new")
        filesystem.write_bytes(spark, f"{destination}/old", b"an older file")
        filesystem.rename(spark, f"{source}/new", f"{destination}/old")
        assert filesystem.names(spark, destination) == ["old"]
        assert filesystem.read_bytes(spark, f"{destination}/old") == b"new"
        assert not filesystem.exists(spark, f"{source}/new")
        filesystem.delete(spark, f"{destination}/old")


def test_moving_or_listing_a_missing_path_fails(spark: SparkSession, folder: str) -> None:
    with pytest.raises(FileNotFoundError):
        filesystem.rename(spark, f"{folder}/missing", f"{folder}/there")
    with pytest.raises(FileNotFoundError):
        filesystem.names(spark, f"{folder}/missing")


def test_a_folder_is_deleted_with_its_content(spark: SparkSession, folder: str) -> None:
    filesystem.write_bytes(spark, f"{folder}/folder/deep/file", b"x")
    filesystem.delete(spark, f"{folder}/folder")

    assert not filesystem.exists(spark, f"{folder}/folder")
    filesystem.delete(spark, f"{folder}/folder")


def test_a_file_written_in_pieces_appears_whole(spark: SparkSession, folder: str) -> None:
    path = f"{folder}/pieces.bin"
    with filesystem.writing(spark, path) as write:
        write(b"\0\xff" * 100)
        assert not filesystem.exists(spark, path)
        write(b"end")

    assert filesystem.read_bytes(spark, path) == b"\0\xff" * 100 + b"end"
    assert filesystem.names(spark, folder) == ["pieces.bin"]


def test_a_failed_write_in_pieces_keeps_the_earlier_file(spark: SparkSession, folder: str) -> None:
    path = f"{folder}/pieces.bin"
    filesystem.write_bytes(spark, path, b"before")

    def write_half() -> None:
        with filesystem.writing(spark, path) as write:
            write(b"half of it")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert filesystem.read_bytes(spark, path) == b"before"
    assert filesystem.names(spark, folder) == ["pieces.bin"]
