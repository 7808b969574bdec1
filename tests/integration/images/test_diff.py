"""The images to featurize in a run, and the rows to drop."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.images.diff import absent_paths, rows_under, work_to_do

IN = "s3a://bucket/in"


def test_only_new_or_changed_images_are_work(spark: SparkSession) -> None:
    listing = _listing(
        spark, ("same", 1, "a"), ("new", 1, "b"), ("etag", 1, "c2"), ("length", 2, "d")
    )
    known = _known(spark, ("same", 1, "a"), ("etag", 1, "c1"), ("length", 1, "d"))
    assert _names(work_to_do(listing, known)) == ["etag", "length", "new"]


def test_a_known_image_with_another_label_is_marked(spark: SparkSession) -> None:
    listing = _listing(spark, ("same", 1, "a"), ("moved", 1, "b"), ("none", 1, "c"), ("new", 1, ""))
    label = "CASE WHEN path LIKE '%moved' THEN 'old' WHEN path LIKE '%same' THEN 'label' END"
    known = _known(spark, ("same", 1, "a"), ("moved", 1, "b"), ("none", 1, "c"))
    work = work_to_do(listing, known.withColumn("label", F.expr(label)))
    assert _names(work.where("known")) == ["moved", "none"]
    assert _names(work.where("NOT known")) == ["new"]
    assert {row["label"] for row in work.collect()} == {"label"}


def test_an_object_without_etag_is_identified_by_path_and_length(spark: SparkSession) -> None:
    listing = _listing(spark, ("a", 1, None), ("b", 2, None), ("c", 1, "c"))
    known = _known(spark, ("a", 1, None), ("b", 1, None), ("c", 1, None))
    assert _names(work_to_do(listing, known)) == ["b", "c"]


def test_a_row_is_dropped_only_under_this_input_and_glob(spark: SparkSession) -> None:
    known = _known(
        spark,
        ("kept.jpg", 1, "a"),
        ("gone.jpg", 1, "a"),
        ("deep/gone 100%.jpg", 1, "a"),
        ("gone.png", 1, "a"),
        ("../other/gone.jpg", 1, "a"),
        ("../input-beside/gone.jpg", 1, "a"),
    )
    listing = _listing(spark, ("kept.jpg", 1, "another"))
    gone = _dropped(listing, known, "**/*.jpg", "s3://bucket/in/")
    assert _names(gone) == ["deep/gone 100%.jpg", "gone.jpg"]


def test_globs_match_the_same_names_in_spark_as_in_the_listing(spark: SparkSession) -> None:
    names = ["[x].jpg", "a&b.jpg", "é/😀.jpg", "new\nline.jpg", "a+(b)$.jpg", "-.jpg"]
    known = _known(spark, *((name, 1, "a") for name in names))
    empty = _listing(spark)
    assert _names(_dropped(empty, known, "**")) == sorted(names)
    assert _names(_dropped(empty, known, "[[]x].*")) == ["[x].jpg"]
    assert _names(_dropped(empty, known, "?[&&]?.jpg")) == ["a&b.jpg"]
    assert _names(_dropped(empty, known, "é/?.{jpg,png}")) == ["é/😀.jpg"]
    assert _names(_dropped(empty, known, "a+(b)$.jpg")) == ["a+(b)$.jpg"]
    assert _names(_dropped(empty, known, "[!a-zé[]*.jpg")) == ["-.jpg"]


def test_an_input_of_one_object_drops_only_that_object(spark: SparkSession) -> None:
    known = _known(spark, ("a.jpg", 1, "a"), ("a.jpg/b", 1, "a"), ("b.jpg", 1, "a"))
    gone = _dropped(_listing(spark), known, "*.jpg", f"{IN}/a.jpg")
    assert _names(gone) == ["a.jpg"]


def _dropped(listing: DataFrame, known: DataFrame, glob: str, input_path: str = IN) -> DataFrame:
    return absent_paths(listing, rows_under(known, input_path, glob))


def _listing(spark: SparkSession, *rows: tuple[str, int, str | None]) -> DataFrame:
    time = datetime(2026, 1, 2)
    data = [(f"{IN}/{name}", "label", length, etag, time) for name, length, etag in rows]
    return spark.createDataFrame(data, schemas.LISTING_SCHEMA)


def _known(spark: SparkSession, *rows: tuple[str, int, str | None]) -> DataFrame:
    data = [
        (f"{IN}/{name}".replace("/in/../", "/"), length, etag, "label")
        for name, length, etag in rows
    ]
    return spark.createDataFrame(data, "path string, length long, etag string, label string")


def _names(rows: DataFrame) -> list[str]:
    return sorted(row["path"].removeprefix(f"{IN}/") for row in rows.collect())
