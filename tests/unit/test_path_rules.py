"""Rules for the paths that a command may write to."""

from __future__ import annotations

from pathlib import Path

import pytest

from job.errors import InvalidValueError
from job.path_rules import (
    is_listed,
    is_within,
    local_file,
    overlap,
    require_destination,
    require_plain,
)


@pytest.mark.parametrize("character", "[]{}*?\\`")
def test_a_path_that_spark_reads_as_a_pattern_is_refused(character: str) -> None:
    with pytest.raises(InvalidValueError, match="Spark would read another path") as raised:
        require_plain("--output", f"s3a://bucket/a{character}1")
    assert raised.value.exit_code == 2


def test_other_special_characters_are_allowed() -> None:
    require_plain("--output", "s3a://bucket/a b%20'\"#+,:;&$é/_x.y")


@pytest.mark.parametrize(
    ("path", "folder", "within"),
    [
        ("s3a://b/in", "s3a://b/in", True),
        ("s3://b/in/x/", "S3N://b/in/", True),
        ("s3a://b/in", "s3a://b", True),
        ("s3a://b/other/../in/x", "s3a://b/in", True),
        ("s3a://b//in/./x", "s3a://b/in", True),
        ("s3a://b/in/../out", "s3a://b/in", False),
        ("s3a://b/input", "s3a://b/in", False),
        ("s3a://c/in", "s3a://b/in", False),
        ("/data/in/x", "file:///data/in/", True),
        ("file:/data/x/../in", "/data/in", True),
        ("/data", "/", True),
        ("/data/input", "/data/in", False),
        ("/b/in", "s3a://b/in", False),
        ("", "s3a://b", False),
        ("gs://b/in", "gs://b", False),
    ],
)
def test_is_within_ignores_the_spelling_of_paths(path: str, folder: str, within: bool) -> None:
    assert is_within(path, folder) is within


def test_is_within_resolves_relative_paths_and_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "images")
    monkeypatch.chdir(tmp_path)

    assert is_within("link/out", "images")
    assert is_within("./images/out", str(tmp_path / "link"))
    assert not is_within("images/../out", "images")


IMAGES = "s3a://b/images"


@pytest.mark.parametrize(
    ("output", "images", "glob", "part"),
    [
        (IMAGES, IMAGES, "**", "is the input itself"),
        ("s3://b/images/", IMAGES, "**/*.jpg", "is the input itself"),
        (f"{IMAGES}/out", IMAGES, "**", f"within the input {IMAGES}"),
        (f"{IMAGES}/out", IMAGES, "*/**", "within the input"),
        (f"{IMAGES}/out", IMAGES, "**/*.json", "within the input"),
        (f"{IMAGES}/out", IMAGES, "o*/**", "within the input"),
        (f"{IMAGES}/out", IMAGES, "{not-closed", "within the input"),
        ("/data/in/out", "file:///data/in", "**", "within the input"),
        ("s3a://b", "s3a://b/projection/apples", "**", "within s3a://b/projection"),
        ("/data", "/data/features", "**", "which the program overwrites"),
        ("/data", "/data/report", "**", "which the program overwrites"),
    ],
)
def test_overlap_of_output_and_input_is_found(
    output: str, images: str, glob: str, part: str
) -> None:
    assert part in (overlap(output, images, glob) or "")


@pytest.mark.parametrize(
    ("output", "images", "glob"),
    [
        ("s3a://b/images-results", IMAGES, "**"),
        (f"{IMAGES}/out", IMAGES, "train/**"),
        (f"{IMAGES}/out", IMAGES, "**/*.{jpg,png}"),
        ("s3a://b", IMAGES, "**"),
        ("/data", "/data/projections", "**"),
        ("", "", "**"),
    ],
)
def test_an_output_that_no_run_lists_is_allowed(output: str, images: str, glob: str) -> None:
    assert overlap(output, images, glob) is None


def test_a_file_is_listed_if_the_glob_matches_it() -> None:
    assert is_listed("s3a://b/in", "**", "s3://b/in/a/x.csv")
    assert not is_listed("s3a://b/in", "**/*.jpg", "s3://b/in/a/x.csv")
    assert not is_listed("s3a://b/in", "**", "s3a://b/out.csv")


OUTPUT = "s3a://b/team/out"


@pytest.mark.parametrize("file_format", ["parquet", "csv", "npy"])
@pytest.mark.parametrize(
    "destination",
    [OUTPUT, "s3://b/team/out/", f"{OUTPUT}/x", f"{OUTPUT}/projection", "s3a://b/x/../team/out/x"],
)
def test_an_export_into_the_output_is_refused(destination: str, file_format: str) -> None:
    with pytest.raises(InvalidValueError, match=r"lies in the output .* expected .*; fix: "):
        require_destination(destination, OUTPUT, file_format)


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
@pytest.mark.parametrize("destination", ["s3a://b/team", "s3a://b"])
def test_an_export_to_a_folder_above_the_output_is_refused(
    destination: str, file_format: str
) -> None:
    with pytest.raises(InvalidValueError, match="holds the output"):
        require_destination(destination, OUTPUT, file_format)


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_an_export_to_a_whole_bucket_is_refused(file_format: str) -> None:
    with pytest.raises(InvalidValueError, match="is a whole bucket"):
        require_destination("s3a://other/", OUTPUT, file_format)


@pytest.mark.parametrize(
    ("destination", "file_format"),
    [
        ("s3a://other", "npy"),
        ("s3a://b/team/out2", "parquet"),
        ("s3a://b/team", "npy"),
        (f"{OUTPUT}/npy", "npy"),
        ("s3://b/team/out/final_features.csv", "csv"),
    ],
)
def test_an_export_next_to_the_output_or_to_its_default_path_is_allowed(
    destination: str, file_format: str
) -> None:
    require_destination(destination, OUTPUT, file_format)


def test_a_local_file_must_be_on_this_machine(tmp_path: Path) -> None:
    assert local_file("--report-copy", f"file://{tmp_path}/r.html") == tmp_path / "r.html"
    with pytest.raises(InvalidValueError, match="is not on this machine"):
        local_file("--report-copy", "s3a://b/r.html")
