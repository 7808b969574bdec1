"""Names of real images become portable, on a disk and in a bucket."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import pytest

from job.cli import main
from job.deploy.local.s3_server import LocalS3Server, s3a_settings
from job.images.datasets.portable_names import is_portable
from tests.integration.images import awkward


def clean_names(path: Path | str, *more: str) -> int:
    return main(["clean-names", "--input", str(path), *more])


def contents_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def all_portable(paths: list[str]) -> bool:
    return all(is_portable(part) for path in paths for part in path.split("/"))


@pytest.fixture
def images(sample_images: Path, tmp_path: Path) -> Path:
    """The sample, all labels with spaces, and a class with the portable name of another."""
    folder = shutil.copytree(sample_images, tmp_path / "images")
    shutil.copytree(sample_images / "Cherry 2", folder / "Cherry_2")
    (folder / "Tomato 3" / "é %1.jpg").write_bytes(b"an image")
    return folder


def test_without_apply_names_are_only_printed(
    images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents_of(images)

    assert clean_names(images) == 0

    printed = capsys.readouterr()
    assert "Tomato 3/é %1.jpg -> Tomato_3/e_1.jpg" in printed.out.splitlines()
    assert len(printed.out.splitlines()) == 241
    assert "--apply" in printed.err
    assert contents_of(images) == before
    assert [path.name for path in images.parent.iterdir()] == ["images"]


def test_apply_renames_files_and_writes_the_mapping(images: Path) -> None:
    before = contents_of(images)

    assert clean_names(images, "--apply") == 0

    after = contents_of(images)
    assert all_portable(list(after))
    (mapping,) = images.parent.glob("images.renamed-*.csv")
    with mapping.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    new = {row["old"]: row["new"] for row in rows}
    assert {new.get(path, path): data for path, data in before.items()} == after
    assert len(after) == len(before) == 261
    assert {path.split("/")[0] for path in after} >= {"Cherry_2", "Cherry_2_2", "Tomato_3"}
    # The folders of the old names are gone.
    assert all_portable([path.name for path in images.iterdir()])


def test_a_second_apply_changes_nothing(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert clean_names(images, "--apply") == 0
    after = contents_of(images)
    capsys.readouterr()

    assert clean_names(images, "--apply") == 0

    assert capsys.readouterr().err == "all names are portable\n"
    assert contents_of(images) == after
    assert len(list(images.parent.glob("*.csv"))) == 1


@pytest.mark.parametrize("place", ["disk", "bucket"])
def test_an_interrupted_apply_resumes_with_its_mapping(
    place: str, images: Path, s3: LocalS3Server, bucket: str, tmp_path: Path
) -> None:
    """Half of a folder already has its new name."""
    (tmp_path / "names.csv").write_text(
        "old,new\nTomato 3/1.jpg,Tomato_3/1.jpg\nTomato 3/2.jpg,Tomato_3/2.jpg\n"
    )
    folder = tmp_path / "stopped"
    for path in ("Tomato_3/1.jpg", "Tomato 3/2.jpg"):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text(path)
    conf = [f"--conf={key}={value}" for key, value in s3a_settings(s3.endpoint).items()]
    s3.upload_folder(folder, bucket, "in")
    source = folder if place == "disk" else f"s3a://{bucket}/in"

    assert clean_names(source, "--resume", str(tmp_path / "names.csv"), *conf) == 0

    if place == "disk":
        names = {"Tomato_3/1.jpg": b"Tomato_3/1.jpg", "Tomato_3/2.jpg": b"Tomato 3/2.jpg"}
        assert contents_of(folder) == names
    else:
        listed = s3.client().list_objects_v2(Bucket=bucket, Prefix="in/Tomato_3/")["Contents"]
        assert [item["Key"] for item in listed] == ["in/Tomato_3/1.jpg", "in/Tomato_3/2.jpg"]


@pytest.mark.parametrize("place", ["disk", "bucket"])
def test_a_mapping_does_not_overwrite_other_files(
    place: str,
    s3: LocalS3Server,
    bucket: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "names.csv").write_text("old,new\na b.jpg,a_b.jpg\n")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a b.jpg").write_text("one image")
    (folder / "a_b.jpg").write_text("another")
    conf = [f"--conf={key}={value}" for key, value in s3a_settings(s3.endpoint).items()]
    s3.upload_folder(folder, bucket, "in")
    source = folder if place == "disk" else f"s3a://{bucket}/in"

    assert clean_names(source, "--resume", str(tmp_path / "names.csv"), *conf) == 2

    assert "a_b.jpg is there already" in capsys.readouterr().err
    assert contents_of(folder) == {"a b.jpg": b"one image", "a_b.jpg": b"another"}
    listed = s3.client().list_objects_v2(Bucket=bucket, Prefix="in/")["Contents"]
    bodies = [s3.client().get_object(Bucket=bucket, Key=item["Key"])["Body"] for item in listed]
    assert [body.read() for body in bodies] == [b"one image", b"another"]


def test_resume_deletes_the_source_of_a_finished_copy(
    s3: LocalS3Server, bucket: str, tmp_path: Path
) -> None:
    """The run was interrupted between copy and delete."""
    (tmp_path / "names.csv").write_text("old,new\na b.jpg,a_b.jpg\n")
    for key in ("in/a b.jpg", "in/a_b.jpg"):
        s3.client().put_object(Bucket=bucket, Key=key, Body=b"one image")
    conf = [f"--conf={key}={value}" for key, value in s3a_settings(s3.endpoint).items()]

    source = f"s3a://{bucket}/in"
    assert clean_names(source, "--resume", str(tmp_path / "names.csv"), *conf) == 0

    (left,) = s3.client().list_objects_v2(Bucket=bucket, Prefix="in/")["Contents"]
    assert left["Key"] == "in/a_b.jpg"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a b.jpg,../a_b.jpg\n", "not portable"),
        ("a b.jpg,a*.jpg\n", "not portable"),
        ("a b.jpg,/etc/a.jpg\n", "not portable"),
        ("../mine.txt,mine.txt\n", "leads out of the input"),
        ("a b.jpg\n", "cannot be read after 0 names"),
    ],
)
def test_a_mapping_that_apply_did_not_write_renames_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str, message: str
) -> None:
    (tmp_path / "names.csv").write_text(f"old,new\n{rows}")
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a b.jpg").write_text("an image")
    before = contents_of(tmp_path)

    assert clean_names(tmp_path / "in", "--resume", str(tmp_path / "names.csv")) == 2

    assert message in capsys.readouterr().err
    assert contents_of(tmp_path) == before


@pytest.mark.parametrize("place", ["disk", "bucket"])
def test_a_mapping_must_be_a_new_file_outside_the_input(
    place: str,
    s3: LocalS3Server,
    bucket: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a b.jpg").write_text("an image")
    (tmp_path / "mine.csv").write_text("mine")
    before = contents_of(tmp_path)
    conf = [f"--conf={key}={value}" for key, value in s3a_settings(s3.endpoint).items()]
    s3.client().put_object(Bucket=bucket, Key="mine.csv", Body=b"mine")
    s3.upload_folder(folder, bucket, "in")
    root, source = (
        (str(tmp_path), str(folder))
        if place == "disk"
        else (f"s3a://{bucket}", f"s3a://{bucket}/in")
    )

    for mapping, message in (
        (f"{root}/mine.csv", "is there already"),
        (f"{source}/a b.jpg", "lies in the input"),
        (f"{source}/names.csv", "lies in the input"),
    ):
        assert clean_names(source, "--apply", "--mapping", mapping, *conf) == 2
        assert message in capsys.readouterr().err

    assert contents_of(tmp_path) == before
    keys = [item["Key"] for item in s3.client().list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["in/a b.jpg", "mine.csv"]


def test_every_awkward_name_in_a_bucket_becomes_portable(
    s3: LocalS3Server, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client = s3.client()
    before = awkward.fill(client, bucket)
    conf = [f"--conf={key}={value}" for key, value in s3a_settings(s3.endpoint).items()]

    assert clean_names(f"s3a://{bucket}/in", "--apply", *conf) == 0

    listed = client.list_objects_v2(Bucket=bucket, Prefix="in/")["Contents"]
    keys = [item["Key"] for item in listed if not item["Key"].endswith("/")]
    assert all_portable(keys)
    after = [client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    assert sorted(after) == sorted(before.values())
    (mapping,) = client.list_objects_v2(Bucket=bucket, Prefix="in.renamed-")["Contents"]
    text = client.get_object(Bucket=bucket, Key=mapping["Key"])["Body"].read().decode()
    new = dict(row for row in csv.reader(text.splitlines(keepends=True)) if row)
    assert new["percent/a%20b.jpg"] == "percent/a_20b.jpg"
    for old, body in before.items():
        key = old.removeprefix("in/")
        answer = client.get_object(Bucket=bucket, Key=f"in/{new.get(key, key)}")
        assert answer["Body"].read() == body
    capsys.readouterr()
    assert clean_names(f"s3a://{bucket}/in", *conf) == 0
    assert capsys.readouterr().err == "all names are portable\n"


def test_a_name_that_is_not_utf8_and_a_link_are_renamed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9 1.jpg")).write_bytes(b"1")
    (folder / "a link").symlink_to("/nowhere")

    assert clean_names(folder, "--apply", "--mapping", str(tmp_path / "names.csv")) == 0

    assert sorted(os.listdir(folder)) == ["a_link", "caf_1.jpg"]
    assert b"caf\xe9 1.jpg,caf_1.jpg" in (tmp_path / "names.csv").read_bytes()


def test_a_missing_or_empty_folder_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "none", tmp_path):
        assert clean_names(path) == 3
        assert f"there is nothing under file://{path}; expected" in capsys.readouterr().err
