"""The report of a real run: samples, sizes, objects in quarantine."""

from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path

import pytest
from PIL import Image
from pyspark.sql import SparkSession

from job.cli import main
from job.report.collect import MAX_POINTS, HadoopFiles, _sample_points, _sample_quarantine
from job.report.quarantine_section import MAX_ROWS_PER_REASON
from job.report.report_data import QuarantinedImage, ReportData
from job.schemas import PROJECTION_SCHEMA, QUARANTINE_SCHEMA

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def output(
    spark: SparkSession, sample_images: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run on 12 images, one of them truncated, and a README."""
    images, output = tmp_path_factory.mktemp("images"), tmp_path_factory.mktemp("output")
    for folder in sorted(sample_images.iterdir())[:3]:
        (images / folder.name).mkdir()
        for image in sorted(folder.iterdir())[:4]:
            shutil.copy(image, images / folder.name)
    broken = sorted(images.rglob("*.jpg"))[0]
    content = broken.read_bytes()
    broken.rename(broken.with_name("broken.jpg")).write_bytes(content[: len(content) * 2 // 3])
    (images / "README").write_text("not an image")
    arguments = ["--input", str(images), "--output", str(output), "--components", "5"]
    assert main(["run", *arguments, "--max-bad-fraction", "0.5"]) == 0
    return output


def _data(output: Path) -> ReportData:
    return ReportData.from_json((output / "report" / "data.json").read_text(encoding="utf-8"))


def test_points_have_the_first_four_components(output: Path) -> None:
    points = _data(output).points
    assert len(points) == 11
    assert all(point.component(4) is not None for point in points)
    assert len({point.component(3) for point in points}) == 11


def test_a_new_report_still_describes_the_run_that_read_the_images(output: Path) -> None:
    before = _data(output).summary
    # The second call finds the summary of the first.
    assert main(["report", "--output", str(output)]) == 0
    assert main(["report", "--output", str(output)]) == 0
    after = _data(output).summary
    names = ("run_id", "command", "input_path", "counts", "images_per_second")
    assert {name: after[name] for name in names} == {name: before[name] for name in names}
    assert after["command"] == "run"


def test_a_report_of_another_format_is_replaced_without_its_thumbnails(output: Path) -> None:
    data = output / "report" / "data.json"
    text = data.read_text(encoding="utf-8")
    data.write_text(text.replace('"format_version": 1', '"format_version": 0'), encoding="utf-8")
    assert main(["report", "--output", str(output)]) == 0
    assert len(_data(output).points) == 11
    assert not any(point.thumbnail for point in _data(output).points)


def test_a_truncated_picture_shows_its_readable_part(output: Path) -> None:
    readme, broken = _data(output).quarantine
    assert (readme.reason, readme.thumbnail) == ("not_an_image", None)
    assert broken.path.endswith("/broken.jpg")
    assert broken.reason == "truncated"
    assert broken.thumbnail is not None
    with Image.open(io.BytesIO(base64.b64decode(broken.thumbnail))) as picture:
        assert max(picture.size) == 96
    page = (output / "report" / "index.html").read_text(encoding="utf-8")
    assert broken.thumbnail in page


def test_sizes_are_those_of_the_files(output: Path) -> None:
    sizes = _data(output).storage_bytes
    images = [Path(point.path.removeprefix("file://")) for point in _data(output).points]
    assert sizes["images"] == sum(image.stat().st_size for image in images)
    tables = {"features": output / "features", "projection": output / "projection"}
    for name, folder in tables.items():
        parts = folder.glob("*.parquet")
        assert sizes[name] == pytest.approx(sum(part.stat().st_size for part in parts), abs=2000)
    assert sizes["csv"] == (output / "final_features.csv").stat().st_size


def test_a_deleted_image_keeps_its_reason(output: Path, tmp_path: Path) -> None:
    """The broken image is gone when the report is rebuilt."""
    (_, broken) = _data(output).quarantine
    image = Path(broken.path.removeprefix("file://"))
    hidden = image.rename(tmp_path / "hidden")
    try:
        assert main(["report", "--output", str(output)]) == 0
        assert _data(output).quarantine[1] == broken._replace(thumbnail=None)
    finally:
        hidden.rename(image)


@pytest.mark.parametrize("command", ["report", "compact"])
def test_a_deleted_quarantine_table_is_restored(output: Path, tmp_path: Path, command: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(output, copy)
    shutil.rmtree(copy / "quarantine")
    assert main([command, "--output", str(copy)]) == 0
    assert (copy / "quarantine" / "_delta_log").is_dir()


def test_a_section_reads_files_of_the_output(spark: SparkSession, output: Path) -> None:
    files = HadoopFiles(spark, str(output))
    assert files.list_names("report") == ["data.json", "index.html"]
    assert files.list_names("drift") == []
    assert files.read("report/data.json").startswith(b'{"format_version"')
    with pytest.raises(FileNotFoundError):
        files.read("drift/1.json")


def test_about_5_000_of_100_000_images_are_sampled_reproducibly(spark: SparkSession) -> None:
    rows = spark.range(100_000).selectExpr(
        "concat('s3a://b/', id) AS path", "'a' AS label", "array(float(id), 1f, 2f) AS pca"
    )
    projection = rows.to(PROJECTION_SCHEMA)
    points = _sample_points(projection, 100_000, {"s3a://b/7": "thumbnail"})
    assert 0.95 * MAX_POINTS < len(points) < 1.05 * MAX_POINTS
    assert [point for point in points if point.thumbnail] == [
        ("s3a://b/7", "a", 7.0, 1.0, "thumbnail", 2.0, None)
    ]
    paths = {point.path for point in points}
    again = {point.path for point in _sample_points(projection, 100_000, {})}
    assert again | {"s3a://b/7"} == paths


def test_a_frequent_reason_does_not_hide_a_rare_one(spark: SparkSession) -> None:
    bad = [(f"s3a://b/{n:04}", None, 1, None, "forbidden", None, "run") for n in range(500)]
    bad.append(("s3a://b/z", None, 1, None, "truncated", "short", "run"))
    rows = spark.createDataFrame(bad, QUARANTINE_SCHEMA)
    images = _sample_quarantine(rows, ["truncated", "forbidden"])
    assert len(images) == MAX_ROWS_PER_REASON + 1
    assert images[0] == QuarantinedImage("s3a://b/0000", "forbidden")
    assert images[-1] == QuarantinedImage("s3a://b/z", "truncated", "short")
