"""Writes HTML pages to the local disk; a page may replace an earlier page, but no other file."""

from __future__ import annotations

import os
from pathlib import Path

from job.errors import InvalidValueError
from job.path_rules import local_file

# The end of the title of all pages of this program, within the first lines of the templates.
_TITLE_END = "– image-features</title>"
_HEAD_BYTES = 64 * 1024


def require_page_file(option: str, path: str) -> Path:
    """The local file for a page.

    Raises InvalidValueError for a folder, for a file that is not a page of this program, and if
    the file cannot be created.
    """
    file = local_file(option, path)
    if file.is_dir():
        raise _error(option, file, "is a folder")
    if file.is_file() and not _is_replaceable(file):
        raise _error(option, file, "is a file of something else")
    folder = next(parent for parent in file.parents if parent.exists())
    if not folder.is_dir():
        raise _error(option, file, f"cannot be made: {folder} is a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _error(option, file, f"cannot be made: {folder} may not be written")
    return file


def write_page(option: str, path: str, html: str) -> Path:
    """Write a page and create its folders. Raises the errors of `require_page_file`."""
    file = require_page_file(option, path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html, encoding="utf-8")
    except OSError as error:
        raise _error(option, file, f"cannot be written: {error.strerror}") from error
    return file


def _is_replaceable(file: Path) -> bool:
    try:
        with file.open("rb") as page:
            head = page.read(_HEAD_BYTES)
    except OSError:
        return False
    return not head or _TITLE_END.encode() in head


def _error(option: str, file: Path, what: str) -> InvalidValueError:
    return InvalidValueError(
        f"{option} {file} {what}",
        expected="a new file, or an earlier page of this program",
        fix=f"choose another {option}",
    )
