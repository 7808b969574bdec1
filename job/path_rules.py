"""Rules for the paths that a command may write to; the command line and `lint` share them.

The rules need no access to storage, except for symbolic links on the local disk.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from job.errors import InvalidValueError
from job.layout import Layout
from job.paths import (
    LOCAL_SCHEME,
    canonical_path,
    folder_of,
    glob_matcher,
    relative_to,
    split_path,
)

# Spark and Hadoop take the first seven for a pattern; the last ends a name in Spark SQL.
SPECIAL_CHARACTERS = "[]{}*?\\`"


def require_plain(option: str, path: str) -> None:
    """Raise InvalidValueError for a path that Spark can write, but would read as a pattern."""
    special = [character for character in SPECIAL_CHARACTERS if character in path]
    if special:
        raise InvalidValueError(
            f"{option} {path} has {' '.join(special)} in it: Spark would read another path than "
            "it writes",
            expected=f"a path without {' '.join(SPECIAL_CHARACTERS)}",
            fix=f"choose another {option}",
        )


def is_within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it, after links and spelling are resolved.

    False if this program cannot read one of the paths.
    """
    inner, outer = _resolved(path), _resolved(folder)
    return bool(inner and outer) and folder_of(inner).startswith(folder_of(outer))


def overlap(output_path: str, input_path: str, glob: str) -> str | None:
    """Why a run must not write to `output_path`, or None if it may.

    The run would list its own results, or overwrite images. An output within the input is valid if
    `glob` matches no results.
    """
    if is_within(output_path, input_path):
        if is_within(input_path, output_path):
            return "it is the input itself: the next run would take this run's results for images"
        if is_listed(input_path, glob, *Layout(output_path).example_files):
            return (
                f"it is within the input {input_path}: "
                "the next run would take this run's results for images"
            )
    for folder in Layout(output_path).own_paths:
        if is_within(input_path, folder):
            return f"the input {input_path} is within {folder}, which the program overwrites"
    return None


def require_apart_from_images(output_path: str, input_path: str, glob: str) -> None:
    """Raise InvalidValueError if a run must not write to `output_path`."""
    why = overlap(output_path, input_path, glob)
    if why:
        raise InvalidValueError(
            f"--output {output_path}: {why}",
            expected="results next to the images, not among them",
            fix="choose another --output",
        )


def require_disjoint(output_path: str, input_path: str) -> None:
    """Raise InvalidValueError if one of the two folders lies in the other."""
    if is_within(output_path, input_path) or is_within(input_path, output_path):
        raise InvalidValueError(
            f"--output {output_path} and --input {input_path} lie one in the other",
            expected="two folders apart",
            fix="choose another --output",
        )


def require_destination(destination: str, output_path: str, file_format: str) -> None:
    """Raise InvalidValueError for a destination where an export would overwrite results.

    Valid are paths outside the output, and the default path of the format in the output. An array
    may also lie in a folder that contains the output, because it replaces only its two files.
    """
    layout = Layout(output_path)
    default = {"csv": layout.csv, "npy": layout.arrays}.get(file_format)
    if default is not None and _resolved(destination) == _resolved(default):
        return
    if is_within(destination, output_path):
        where = f"lies in the output {output_path}"
    elif is_within(output_path, destination) and file_format != "npy":
        where = f"holds the output {output_path}"
    elif _is_bucket(destination) and file_format != "npy":
        where = "is a whole bucket"
    else:
        return
    raise InvalidValueError(
        f"--destination {destination} {where}",
        expected="a separate path outside the output",
        fix="choose another --destination",
    )


def local_file(option: str, path: str) -> Path:
    """The local file that `path` names. Raises InvalidValueError for other storage."""
    scheme, _, name = split_path(canonical_path(path))
    if scheme != LOCAL_SCHEME:
        raise InvalidValueError(
            f"{option} {path} is not on this machine",
            expected="a local file",
            fix="name a local file, and copy it from there",
        )
    return Path(name)


def require_outside(option: str, path: str, folder_option: str, folder: str) -> None:
    """Raise InvalidValueError for a file within the output or the input."""
    if is_within(path, folder):
        raise InvalidValueError(
            f"{option} {path} lies in {folder_option} {folder}",
            expected="a file elsewhere",
            fix=f"choose another {option}",
        )


def is_listed(input_path: str, glob: str, *paths: str) -> bool:
    """Whether a run on the input would list one of the paths."""
    try:
        matches = glob_matcher(glob)
    except InvalidValueError:
        # The check of the input refuses this glob; until then it may match anything.
        return True
    images = _resolved(input_path)
    names = [relative_to(_resolved(path), images) for path in paths] if images else []
    return any(name is not None and matches(name) for name in names)


def _is_bucket(path: str) -> bool:
    resolved = _resolved(path)
    return bool(resolved) and not split_path(resolved)[2]


def _resolved(path: str) -> str:
    """The canonical path without links, `.`, `..` and empty parts, as the disk and Hadoop read it.

    Empty if this program cannot read the path.
    """
    try:
        scheme, bucket, key = split_path(canonical_path(path))
    except InvalidValueError:
        return ""
    if scheme == LOCAL_SCHEME:
        return f"{scheme}://{os.path.realpath(key)}"
    return f"{scheme}://{bucket}{posixpath.normpath('/' + key.lstrip('/'))}".rstrip("/")
