"""Portable names for files and folders, unique within each folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from job.images.datasets.transliteration import GAP, PORTABLE, transliterate

# File systems allow 255 bytes; this leaves room for a number.
_MAX_LENGTH = 240
_UNNAMED = "unnamed"


@dataclass(frozen=True)
class Folder:
    """The names directly in a folder; on S3 a file and a folder may share a name.

    The file `` is the object that represents the folder itself.
    """

    files: list[str]
    folders: list[str]


@dataclass(frozen=True)
class NewNames:
    """The new name of each file and each folder of a Folder."""

    files: dict[str, str]
    folders: dict[str, str]


# SeaweedFS lists a folder like this for minutes after its objects are deleted.
_EMPTY = Folder([""], [])

# The content of a folder by its path relative to the input: `` is the input, `a/b/` a subfolder.
Children = Callable[[str], Folder]


def renames(children: Children, old: str = "", new: str = "") -> Iterator[tuple[str, str]]:
    """(old, new) path of every file whose own name or whose folder's name changes, sorted.

    Empty folders keep their names. Memory holds the names of one folder and its parents.
    """
    content = children(old)
    if content == _EMPTY:
        return
    names = new_names(content)
    for file, name in sorted(names.files.items()):
        if old + file != new + name:
            yield old + file, new + name
    for folder, name in sorted(names.folders.items()):
        yield from renames(children, f"{old}{folder}/", f"{new}{name}/")


def new_names(folder: Folder) -> NewNames:
    """Unique portable names; portable names stay, others get a number if their name is taken."""
    taken = {name for name in [*folder.files, *folder.folders] if is_portable(name)}

    def new_name(name: str, extension: str) -> str:
        if is_portable(name):
            return name
        candidates = _candidates(name, extension)
        free = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(free)
        return free

    # The object that represents the folder has the name of the folder.
    files = sorted(name for name in folder.files if name)
    marker = {"": ""} if "" in folder.files else {}
    return NewNames(
        marker | {name: new_name(name, os.path.splitext(name)[1]) for name in files},
        {name: new_name(name, "") for name in sorted(folder.folders)},
    )


def is_portable(name: str) -> bool:
    """Whether a name has only letters, digits, `.`, `_` and `-`.

    A leading `-`, a trailing `.` and more than 240 characters are not portable either.
    """
    return (
        0 < len(name) <= _MAX_LENGTH
        and PORTABLE.issuperset(name)
        and not name.startswith("-")
        and not name.endswith(".")
    )


def _candidates(name: str, extension: str) -> Iterator[str]:
    """The portable name, then the same with 2, 3 and so on before the extension."""
    ending = re.sub(f"[{GAP}]+", "_", transliterate(extension)).rstrip("._")[: _MAX_LENGTH // 2]
    stem = _clean_stem(name.removesuffix(extension) if extension else name)
    stem = stem[: _MAX_LENGTH - len(ending) - len("_1000000")] or _UNNAMED
    yield stem + ending
    for number in count(2):
        yield f"{stem}_{number}{ending}"


def _clean_stem(stem: str) -> str:
    words = transliterate(stem).split(GAP)
    return "_".join(filter(None, words)).lstrip("-").rstrip(".")
