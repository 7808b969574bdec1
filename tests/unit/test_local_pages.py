"""A page on the local disk may replace an earlier page, but no other file."""

from __future__ import annotations

from pathlib import Path

import pytest

from job.errors import InvalidValueError
from job.local_pages import require_page_file, write_page

PAGE = "<!doctype html>\n<title>40 images, 7 components – image-features</title>\n"


def test_writing_a_page_creates_folders_and_replaces_an_earlier_page(tmp_path: Path) -> None:
    path = str(tmp_path / "a" / "b" / "report.html")
    assert write_page("--html", path, PAGE) == Path(path)
    write_page("--html", path, PAGE + "new")
    assert Path(path).read_text() == PAGE + "new"


def test_a_page_may_replace_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "report.html").touch()
    assert require_page_file("--html", f"file://{tmp_path}/report.html").name == "report.html"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("folder", "is a folder"),
        ("image.jpg", "is a file of something else"),
        ("other.html", "is a file of something else"),
        ("image.jpg/report.html", "is a file"),
    ],
)
def test_a_page_replaces_no_other_file(tmp_path: Path, name: str, part: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "image.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "other.html").write_text("<title>mine</title>")

    for function in (
        lambda: require_page_file("--html", str(tmp_path / name)),
        lambda: write_page("--html", str(tmp_path / name), PAGE),
    ):
        with pytest.raises(InvalidValueError, match=part) as raised:
            function()
        assert (raised.value.exit_code, "fix: " in str(raised.value)) == (2, True)

    assert (tmp_path / "image.jpg").read_bytes() == b"\xff\xd8\xff"
    assert (tmp_path / "other.html").read_text() == "<title>mine</title>"
