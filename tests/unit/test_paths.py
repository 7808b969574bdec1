"""Canonical paths, labels and globs."""

from __future__ import annotations

import os

import pytest

from job.errors import InvalidValueError
from job.paths import (
    canonical_path,
    claims_to_be_an_image,
    glob_matcher,
    has_plain_key,
    label_of,
    literal_prefix,
    relative_to,
    split_path,
)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("s3://bucket/a b%20/é", "s3a://bucket/a b%20/é"),
        ("s3a://bucket/folder/", "s3a://bucket/folder"),
        ("S3N://bucket", "s3a://bucket"),
        ("/data/images/", "file:///data/images"),
        ("file:///data/a%20b", "file:///data/a%20b"),
        ("file:/data", "file:///data"),
        ("relative", f"file://{os.getcwd()}/relative"),
    ],
)
def test_paths_have_one_canonical_spelling(typed: str, canonical: str) -> None:
    assert canonical_path(typed) == canonical


@pytest.mark.parametrize("typed", ["gs://bucket/x", "https://host/x", "s3://", ""])
def test_a_path_of_unknown_storage_is_refused_with_the_valid_schemes(typed: str) -> None:
    with pytest.raises(InvalidValueError, match="expected"):
        canonical_path(typed)


def test_a_path_splits_into_scheme_bucket_and_key() -> None:
    assert split_path("s3a://bucket/a//b ") == ("s3a", "bucket", "a//b ")
    assert split_path("s3a://bucket") == ("s3a", "bucket", "")
    assert split_path("file:///a/b") == ("file", "", "/a/b")


@pytest.mark.parametrize(
    ("path", "level", "label"),
    [
        ("s3a://b/train/Apple Red 1/x.jpg", 1, "Apple Red 1"),
        ("s3a://b/train/Apple Red 1/x.jpg", 2, "train"),
        ("s3a://b/train/Apple Red 1/x.jpg", 3, None),
        ("s3a://b/train/Apple Red 1/x.jpg", 0, None),
        ("s3a://b/x.jpg", 1, None),
        ("s3a://b/a//x.jpg", 1, None),
        ("file:///data/Éclair/x.jpg", 1, "Éclair"),
    ],
)
def test_the_label_is_the_folder_at_a_level_above_the_file(
    path: str, level: int, label: str | None
) -> None:
    assert label_of(path, level) == label


@pytest.mark.parametrize(
    ("glob", "key", "matches"),
    [
        ("**", "a/.hidden/_x", True),
        ("**", "", True),
        ("**/*.jpg", "x.jpg", True),
        ("**/*.jpg", "a/b/x.jpg", True),
        ("*.jpg", "a/x.jpg", False),
        ("*.jpg", ".jpg", True),
        ("train/**", "train/a/x", True),
        ("train/**", "training/x", False),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("{train,test}/*.{jpg,png}", "test/x.png", True),
        ("{train,test}/*.{jpg,png}", "val/x.png", False),
        ("{**/,}x", "a/b/x", True),
        ("?.jpg", "é.jpg", True),
        ("?.jpg", "/.jpg", False),
        ("[!a-c].jpg", "d.jpg", True),
        ("[!a-c].jpg", "b.jpg", False),
        ("[[]x].jpg", "[x].jpg", True),
        ("[*].jpg", "*.jpg", True),
        ("a+b (1)$.jpg", "a+b (1)$.jpg", True),
        ("*.jpg", "new\nline.jpg", True),
        ("*.JPG", "x.jpg", False),
    ],
)
def test_glob_matching(glob: str, key: str, matches: bool) -> None:
    assert glob_matcher(glob)(key) is matches


@pytest.mark.parametrize("glob", ["{a,b", "[ab", "x[]"])
def test_a_glob_with_an_unclosed_bracket_is_refused(glob: str) -> None:
    with pytest.raises(InvalidValueError, match="not closed"):
        glob_matcher(glob)


def test_the_literal_prefix_ends_before_the_first_wildcard() -> None:
    assert literal_prefix("train/Apple*/**") == "train/Apple"
    assert literal_prefix("**") == ""
    assert literal_prefix("train/x.jpg") == "train/x.jpg"


def test_relative_to_returns_none_outside_the_input() -> None:
    assert relative_to("s3a://b/in/a/x", "s3a://b/in") == "a/x"
    assert relative_to("s3a://b/input/x", "s3a://b/in") is None
    assert relative_to("s3a://b/in/x.jpg", "s3a://b/in/x.jpg") == "x.jpg"
    assert relative_to("s3a://b//x", "s3a://b") == "/x"
    assert relative_to("file:///x", "file:///") == "x"


def test_image_names_are_known_by_their_extension() -> None:
    assert claims_to_be_an_image("s3a://b/A.JPeG")
    assert claims_to_be_an_image("file:///scan.tif")
    assert not claims_to_be_an_image("s3a://b/README.md")
    assert not claims_to_be_an_image("s3a://b/jpg")


@pytest.mark.parametrize("key", ["a//b", "/a", "a/", "a/./b", "..", "a\nb", "a\x7f"])
def test_keys_that_other_libraries_change_are_not_plain(key: str) -> None:
    assert not has_plain_key(f"s3a://bucket/{key}")


@pytest.mark.parametrize("key", ["a b", "a%20b", "_a/.b", "...", "é", "#?*[x]{a}", "\\"])
def test_keys_that_other_libraries_keep_are_plain(key: str) -> None:
    assert has_plain_key(f"s3a://bucket/{key}")
    assert has_plain_key(f"file:///{key}")
