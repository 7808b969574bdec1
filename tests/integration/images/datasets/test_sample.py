"""Samples of real images, from and to a disk and a bucket."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.cli import main
from job.config import ImagesConfig, SampleConfig
from job.deploy.local.s3_server import LocalS3Server
from job.images.datasets.class_sampling import (
    RELATIVE,
    class_folders,
    images_in_classes,
    is_file_name,
    select_folders,
    select_images,
)
from job.images.datasets.sample import with_file_names
from job.images.listing import list_images
from job.runtime.progress import Steps

Contents = dict[str, bytes]
pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture(scope="module")
def split(sample_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve classes with 15 images each in Training and 5 in Test, and some text files."""
    folder = tmp_path_factory.mktemp("split")
    for label in sample_images.iterdir():
        for number, image in enumerate(sorted(label.iterdir())):
            target = folder / ("Test" if number < 5 else "Training") / label.name / image.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(image, target)
        (folder / "Training" / label.name / "README.md").write_text("not an image")
    (folder / "Test" / "list.csv").write_text("a,b")
    shutil.copyfile(image, folder / "cover.jpg")
    return folder


def on_disk(folder: Path) -> Contents:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def in_bucket(s3: LocalS3Server, bucket: str, prefix: str) -> Contents:
    client = s3.client()
    listed = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {
        item["Key"].removeprefix(prefix): client.get_object(Bucket=bucket, Key=item["Key"])[
            "Body"
        ].read()
        for item in listed
    }


def sample(source: Path | str, target: Path | str, *more: str) -> int:
    return main(["sample", "--input", str(source), "--output", str(target), *more])


def images_of_classes(contents: Contents) -> Counter[str]:
    return Counter(path.rpartition("/")[0] for path in contents)


def test_a_sample_has_the_requested_classes_and_images_of_each_split(
    split: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sample(split, tmp_path / "out", "--classes", "6", "--images-per-class", "10") == 0

    contents = on_disk(tmp_path / "out")
    counts = images_of_classes(contents)
    classes = {
        name: {folder.split("/")[1] for folder in counts if folder.startswith(name)}
        for name in ("Training", "Test")
    }
    assert len(classes["Training"]) == 6
    assert classes["Training"] == classes["Test"]
    assert {n for folder, n in counts.items() if folder.startswith("Training/")} == {10}
    assert {n for folder, n in counts.items() if folder.startswith("Test/")} == {5}
    original = on_disk(split)
    assert {path: original[path] for path in contents} == contents
    assert capsys.readouterr().out.splitlines() == [
        "Test: 30 images of 6 classes, 6 with fewer than asked",
        "Training: 60 images of 6 classes",
        "seed 0: the same command chooses the same images",
    ]


def test_a_bucket_and_a_disk_give_the_same_sample(
    split: Path, s3: LocalS3Server, bucket: str, tmp_path: Path
) -> None:
    s3.upload_folder(split, bucket, "in")
    for source, target in (
        (split, f"s3a://{bucket}/uploaded"),
        (f"s3a://{bucket}/in", tmp_path / "downloaded"),
        (f"s3a://{bucket}/in", f"s3a://{bucket}/copied"),
        (split, tmp_path / "local"),
    ):
        assert sample(source, target, "--images-per-class", "2", "--seed", "3") == 0

    expected = on_disk(tmp_path / "local")
    assert len(expected) == 48
    assert on_disk(tmp_path / "downloaded") == expected
    assert in_bucket(s3, bucket, "uploaded/") == expected
    assert in_bucket(s3, bucket, "copied/") == expected


def test_awkward_names_do_not_change(
    sample_images: Path, s3: LocalS3Server, bucket: str, tmp_path: Path
) -> None:
    image = next(sample_images.rglob("*.jpg"))
    names = [f"Kä se 100%/{name}" for name in ("a b.jpg", "q'u\"o.jpg", "%20.jpg", "語+.JPG")]
    for name in names:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image, tmp_path / "in" / name)

    assert sample(tmp_path / "in", f"s3a://{bucket}/out", "--classes", "1") == 0
    assert sample(f"s3a://{bucket}/out", tmp_path / "back", "--classes", "1") == 0

    assert on_disk(tmp_path / "back") == on_disk(tmp_path / "in")
    assert set(in_bucket(s3, bucket, "out/")) == set(names)


def test_the_choice_does_not_depend_on_the_order_of_the_listing(
    spark: SparkSession, split: Path
) -> None:
    config = SampleConfig(ImagesConfig(str(split)), "out", classes=6, images_per_class=3)
    listing = list_images(spark, config.images, None)
    samples = []
    for rows in (listing.orderBy("path"), listing.orderBy(F.desc("path")).repartition(5)):
        images = images_in_classes(rows, config.images)
        folders = select_folders(class_folders(images), config)
        paths = select_images(images, folders, config).select("path").collect()
        samples.append({row["path"] for row in paths})

    assert samples[0] == samples[1]
    assert len(samples[0]) == 36


def test_a_users_glob_decides_what_an_image_is(split: Path, tmp_path: Path) -> None:
    options = ("--glob", "Training/**/*.md", "--images-per-class", "1")
    assert sample(split, tmp_path / "out", *options) == 0

    assert {path.rpartition("/")[2] for path in on_disk(tmp_path / "out")} == {"README.md"}


def test_a_label_at_a_higher_level_keeps_subfolders(split: Path, tmp_path: Path) -> None:
    """With level 2 the classes are Training and Test."""
    options = ("--label-level", "2", "--images-per-class", "7")
    assert sample(split, tmp_path / "out", *options) == 0

    counts = Counter(path.split("/")[0] for path in on_disk(tmp_path / "out"))
    assert counts == {"Training": 7, "Test": 7}


@pytest.fixture
def error_line(capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs `sample`, checks its exit code and returns its error line."""

    def run(exit_code: int, *arguments: Path | str) -> str:
        capfd.readouterr()
        assert sample(arguments[0], arguments[1], *map(str, arguments[2:])) == exit_code
        lines = [x for x in capfd.readouterr().err.splitlines() if x.startswith("image-features:")]
        (line,) = lines
        assert "fix: " in line
        return line

    return run


def test_wrong_samples_end_with_an_error_line_and_exit_code(
    error_line: Callable[..., str], split: Path, tmp_path: Path, bucket: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "nothing").mkdir()
    out = tmp_path / "out"

    assert "has 12" in error_line(2, split, out, "--classes", "13")
    assert "neither" in error_line(2, split, out)
    assert "mine.txt" in error_line(2, split, tmp_path / "full", "--classes", "1")
    assert "one in the other" in error_line(2, split, split / "sample", "--classes", "1")
    assert "nothing under" in error_line(3, tmp_path / "nothing", out, "--classes", "1")
    assert "no image" in error_line(3, split, out, "--classes", "1", "--glob", "**/*.tiff")
    assert "no-such" in error_line(3, split, "s3a://no-such-bucket-here/out", "--classes", "1")
    assert "no-such" in error_line(3, "s3a://no-such-bucket-here/in", out, "--classes", "1")
    assert not out.exists()
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"


def test_the_output_must_be_an_empty_or_a_new_folder(
    error_line: Callable[..., str], split: Path, tmp_path: Path
) -> None:
    """Images would be copied through links and into existing folders."""
    label = next((split / "Training").iterdir()).name
    (tmp_path / "mine" / label).mkdir(parents=True)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "Training").symlink_to(tmp_path / "mine")
    (tmp_path / "images").symlink_to(split)

    assert "Training" in error_line(2, split, tmp_path / "links", "--classes", "1")
    assert label in error_line(2, split, tmp_path / "mine", "--classes", "1")
    assert "one in the other" in error_line(2, split, tmp_path / "images" / "new", "--classes", "1")
    assert on_disk(tmp_path / "mine") == {}
    assert not (split / "new").exists()


def test_an_output_that_cannot_be_written_is_an_error(
    error_line: Callable[..., str], split: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    assert "cannot be written" in error_line(8, split, tmp_path / "file" / "out", "--classes", "1")


def test_keys_that_are_no_paths_on_a_disk_are_no_file_names(spark: SparkSession) -> None:
    names = {
        "a/b.jpg": True,
        "a/..b.jpg": True,
        "a/.hidden/b.jpg": True,
        "a/.../b.jpg": True,
        "../a/b.jpg": False,
        "a/../../b.jpg": False,
        "a//b.jpg": False,
        "/a/b.jpg": False,
        "a/./b.jpg": False,
        "a/b/..": False,
    }
    keys = spark.createDataFrame([(name,) for name in names], f"{RELATIVE} string")
    accepted = {row[0] for row in keys.where(is_file_name()).collect()}
    assert accepted == {name for name, expected in names.items() if expected}


def test_a_key_that_leaves_the_output_folder_is_left_out(
    spark: SparkSession, split: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = next((split / "Test").rglob("*.jpg"))
    outside = f"s3a://bucket/Test/../../{image.parent.name}/{image.name}"
    keys = [(f"file://{image}", f"Test/{image.parent.name}/{image.name}"), (outside, outside[13:])]
    images = spark.createDataFrame(keys, f"{schemas.PATH} string, {RELATIVE} string")
    assert [row[RELATIVE] for row in with_file_names(images, Steps()).collect()] == [keys[0][1]]
    expected = f"1 object left out, whose keys are no paths on a disk, such as {outside}"
    assert expected in capsys.readouterr().err
