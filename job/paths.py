"""Paths: canonical spelling, label, globs, and whether a name ends like an image."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from job.errors import InvalidValueError

LOCAL_SCHEME = "file"
S3_SCHEME = "s3a"

# For Spark's rlike and Python's re. The flag avoids lower(), whose first call in Java takes three
# seconds to load the tables of all languages.
IMAGE_NAME_PATTERN = r"(?i)\.(?:jpe?g|jpe|jfif|png|bmp|dib|gif|tiff?|webp)$"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")
_S3_SCHEMES = ("s3", "s3a", "s3n")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
_GLOB_CHARACTERS = re.compile(r"[*?\[{]")


def canonical_path(path: str) -> str:
    """The canonical spelling of a path: `s3a://bucket/key` or `file:///absolute`.

    The key keeps its bytes, without percent-encoding or decoding. Slashes at the end are removed.
    Raises InvalidValueError for another scheme, an empty path, or a missing bucket.
    """
    scheme = _SCHEME.match(path)
    if scheme is None or scheme[1].lower() == LOCAL_SCHEME:
        return _canonical_local_path(path if scheme is None else path[len(scheme[1]) + 1 :])
    bucket_and_key = path[len(scheme[0]) :].lstrip("/") if scheme[1].lower() in _S3_SCHEMES else ""
    if not bucket_and_key:
        raise InvalidValueError(
            f"{path!r} is not a path that can be read",
            expected="s3a://bucket/folder, s3://bucket/folder or a local path",
            fix="copy the files to one of them",
        )
    return f"{S3_SCHEME}://{bucket_and_key}".rstrip("/")


def _canonical_local_path(path: str) -> str:
    if not path:
        raise InvalidValueError("an empty path", expected="a folder", fix="name one; . is this one")
    # The slashes of a URL become one; abspath would keep two, as POSIX allows.
    absolute = os.path.abspath("/" + path.lstrip("/") if path.startswith("/") else path)
    return f"{LOCAL_SCHEME}://{absolute}"


def split_path(path: str) -> tuple[str, str, str]:
    """(scheme, bucket, key) of a canonical path; (`file`, ``, `/absolute`) of a local path."""
    scheme, _, rest = path.partition("://")
    if scheme == LOCAL_SCHEME:
        return scheme, "", rest
    bucket, _, key = rest.partition("/")
    return scheme, bucket, key


def label_of(path: str, level: int) -> str | None:
    """The name of the folder `level` levels above the file; 1 is the parent, 0 gives no label.

    None if the path has no such folder, as for an object at the root of a bucket.
    """
    folders = split_path(path)[2].split("/")[:-1]
    if level == 0 or level > len(folders):
        return None
    return folders[-level] or None


def relative_to(path: str, input_path: str) -> str | None:
    """The path relative to `input_path`; None if `path` is not under it.

    If the input is the object itself, the name of the object.
    """
    if path == input_path:
        return path.rpartition("/")[2]
    folder = folder_of(input_path)
    return path[len(folder) :] if path.startswith(folder) else None


def folder_of(input_path: str) -> str:
    """The common prefix of the paths of all objects under `input_path`."""
    return input_path if input_path.endswith("/") else f"{input_path}/"


def has_plain_key(path: str) -> bool:
    """Whether paths of Hadoop and of obstore keep this key unchanged.

    They change an empty part (`a//b`, `a/`), a part `.` or `..`, and control characters.
    """
    parts = (
        split_path(path)[2].removeprefix("/" if path.startswith(LOCAL_SCHEME) else "").split("/")
    )
    special = {"", ".", ".."} & set(parts)
    return not special and _CONTROL_CHARACTER.search(path) is None


def claims_to_be_an_image(path: str) -> bool:
    """Whether the name ends like that of an image; README and CSV files do not."""
    return re.search(IMAGE_NAME_PATTERN, path) is not None


def glob_matcher(glob: str) -> Callable[[str], bool]:
    """A function that says whether a key relative to the input matches `glob`.

    `**` is any number of folders, `*` and `?` stay within one name, `[a-c]` and `[!a]` are
    classes, `{a,b}` are alternatives; a leading `.` or `_` has no special meaning. Raises
    InvalidValueError for a bracket or brace that is not closed.
    """
    pattern = re.compile(glob_pattern(glob))
    return lambda relative_key: pattern.fullmatch(relative_key) is not None


def literal_prefix(glob: str) -> str:
    """The common prefix of all matches of `glob`: `train/` of `train/**`."""
    match = _GLOB_CHARACTERS.search(glob)
    return glob[: match.start()] if match else glob


def glob_pattern(glob: str) -> str:
    """`glob` as a regular expression for a whole key, with the same meaning in Python and Java."""
    pieces, position, depth = ["(?s)"], 0, 0
    while position < len(glob):
        piece, length, depth = _next_piece(glob, position, depth)
        pieces.append(piece)
        position += length
    if depth:
        raise _unclosed(glob, "{")
    return "".join(pieces)


def _next_piece(glob: str, position: int, depth: int) -> tuple[str, int, int]:
    """(expression, characters used, brace depth after it) of the piece at `position`."""
    rest = glob[position:]
    character = rest[0]
    if rest.startswith("**/") and (position == 0 or glob[position - 1] in "/{,"):
        return "(?:.*/)?", 3, depth
    if rest.startswith("**"):
        return ".*", 2, depth
    if character in "*?":
        return ("[^/]*" if character == "*" else "[^/]"), 1, depth
    if character == "[":
        expression, length = _character_class(glob, rest)
        return expression, length, depth
    if character == "{":
        return "(?:", 1, depth + 1
    if depth and character in ",}":
        return ("|", 1, depth) if character == "," else (")", 1, depth - 1)
    return re.escape(character), 1, depth


def _character_class(glob: str, rest: str) -> tuple[str, int]:
    negated = rest[1:2] in ("!", "^")
    start = 2 if negated else 1
    # A bracket right after the opening one is a member, as in a shell.
    end = rest.find("]", start + 1)
    if end < 0:
        raise _unclosed(glob, "[")
    members = re.sub(r"([\\\[\]^&~|])", r"\\\1", rest[start:end])
    return f"[{'^/' if negated else ''}{members}]", end + 1


def _unclosed(glob: str, bracket: str) -> InvalidValueError:
    return InvalidValueError(
        f"--glob {glob!r} has a {bracket} that is not closed",
        expected="such as **/*.jpg or {train,test}/**",
        fix=f"close it, or write [{bracket}] for the character itself",
    )
